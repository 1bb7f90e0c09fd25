/** Which table of a page Export takes. Enters: a page's question. Leaves: what the top bar offers. */

import { createContext, useContext, useEffect } from "react";

import type { Question } from "../api/types";

export interface Exported {
  title: string;
  question: Question;
}

interface Room {
  exported: Exported | null;
  offer: (exported: Exported | null) => void;
}

export const ExportContext = createContext<Room>({ exported: null, offer: () => {} });

/** The table that is offered now. */
export const useExported = (): Exported | null => useContext(ExportContext).exported;

/** Offers a table as long as the page is shown. */
export function useExport(title: string, question: Question): void {
  const { offer } = useContext(ExportContext);
  const said = JSON.stringify(question);
  useEffect(() => {
    offer({ title, question: JSON.parse(said) as Question });
    return () => offer(null);
  }, [offer, title, said]);
}
