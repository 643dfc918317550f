// Sentences in the person's language; the catalogue is a script of its own that stands before the modules (base.html).

/** Put values into `%(name)s`. */
const fill = (text, values) => (values ? text.replace(/%\((\w+)\)s/g, (whole, name) => (name in values ? String(values[name]) : whole)) : text);

/** A sentence, translated: `say("%(n)s of %(all)s", { n, all })`. */
export const say = (text, values) => fill(window.gettext ? window.gettext(text) : text, values);

/** The same with a number in it: `say.many("%(n)s file", "%(n)s files", count)`. */
say.many = (single, plural, n, values) =>
  fill(window.ngettext ? window.ngettext(single, plural, n) : n === 1 ? single : plural, { n, ...values });
