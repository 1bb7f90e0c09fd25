/** Light, dark, or as the system is. Enters: a choice. Leaves: `data-theme` on the document, kept for next time. */

import { useEffect, useState } from "react";

import { keep, kept } from "./kept";

export type Theme = "light" | "dark" | "system";

const DRAWN_MS = 250;
const DARK = "(prefers-color-scheme: dark)";

export function useTheme(): [Theme, (theme: Theme) => void] {
  const [theme, setTheme] = useState<Theme>(chosen);
  useEffect(() => {
    const system = matchMedia(DARK);
    const show = () => {
      document.documentElement.dataset["theme"] = theme === "system" ? (system.matches ? "dark" : "light") : theme;
    };
    const onPaper = () => {
      document.documentElement.dataset["theme"] = "light";
    };
    show();
    system.addEventListener("change", show);
    addEventListener("beforeprint", onPaper);
    addEventListener("afterprint", show);
    return () => {
      system.removeEventListener("change", show);
      removeEventListener("beforeprint", onPaper);
      removeEventListener("afterprint", show);
    };
  }, [theme]);
  return [
    theme,
    (next) => {
      keep("theme", next === "system" ? null : next);
      setTheme(next);
    },
  ];
}

/** Prints in the light theme, once charts, which are pictures, are drawn in it. */
export function printPage(): void {
  document.documentElement.dataset["theme"] = "light";
  setTimeout(() => window.print(), DRAWN_MS);
}

function chosen(): Theme {
  const theme = kept("theme");
  return theme === "light" || theme === "dark" ? theme : "system";
}
