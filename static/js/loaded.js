// What has arrived of the modules that the start page does without: whoever is on a page by a script of its own says so here.
export const loaded = { Editor: null };
