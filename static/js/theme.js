// Runs before the first paint, so that a chosen theme never flashes. Not a module on purpose.
(() => {
  const KEY = "cutroom-theme";
  const root = document.documentElement;
  const stored = () => {
    try { return localStorage.getItem(KEY); } catch { return null; } // storage may be switched off
  };
  const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches);
  const chosen = stored();
  if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
  root.classList.add("js");

  document.addEventListener("DOMContentLoaded", () => {
    const button = document.querySelector("[data-theme-toggle]");
    if (!button) return;
    const label = () => {
      const text = dark() ? button.dataset.labelLight : button.dataset.labelDark;
      button.setAttribute("aria-label", text);
      button.title = text;
    };
    label();
    button.addEventListener("click", () => {
      root.dataset.theme = dark() ? "light" : "dark";
      try { localStorage.setItem(KEY, root.dataset.theme); } catch { /* the choice then lasts for this page */ }
      label();
      document.dispatchEvent(new CustomEvent("cutroom:theme"));
    });
  });
})();
