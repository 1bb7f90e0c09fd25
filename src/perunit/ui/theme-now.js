// Before the first paint, so that a dark page never flashes white. src/app/theme.ts keeps it from then on.
(function () {
  var chosen = null;
  try {
    chosen = localStorage.getItem("perunit.theme");
  } catch {
    // A browser that keeps nothing has the system's theme.
  }
  var dark = matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = chosen === "light" || chosen === "dark" ? chosen : dark ? "dark" : "light";
})();
