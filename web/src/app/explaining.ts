/** Asking what a figure rests on, from anywhere in a page. */

import { createContext, useContext } from "react";

export interface ToExplain {
  measure: string;
  /** Those of the view unless given. */
  filters?: readonly string[];
  window?: { from: string; to: string };
  unit?: string;
  currency?: string;
}

export const ExplainContext = createContext<(what: ToExplain) => void>(() => {});

/** Opens the explanation of a figure. */
export const useExplain = (): ((what: ToExplain) => void) => useContext(ExplainContext);
