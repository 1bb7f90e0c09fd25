/** Light, dark, or as the system is. Enters: a choice. Leaves: `data-theme` on the document, kept for next time. */

import { useEffect, useState } from "react";

import { keep, kept } from "./kept";

export type Theme = "light" | "dark" | "system";

const DARK = "(prefers-color-scheme: dark)";

export function useTheme(): [Theme, (theme: Theme) => void] {
  const [theme, setTheme] = useState<Theme>(chosen);
  useEffect(() => {
    const system = matchMedia(DARK);
    const show = () => {
      document.documentElement.dataset["theme"] = theme === "system" ? (system.matches ? "dark" : "light") : theme;
    };
    show();
    system.addEventListener("change", show);
    return () => system.removeEventListener("change", show);
  }, [theme]);
  return [
    theme,
    (next) => {
      keep("theme", next === "system" ? null : next);
      setTheme(next);
    },
  ];
}

function chosen(): Theme {
  const theme = kept("theme");
  return theme === "light" || theme === "dark" ? theme : "system";
}
