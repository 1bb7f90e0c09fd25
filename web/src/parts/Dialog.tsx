import type { ReactNode } from "react";

import { Sheet } from "../app/Sheet";

interface DialogProps {
  open: boolean;
  onClose: () => void;
  title: string;
  children: ReactNode;
}

/** A native modal dialog that is only there while open: Escape closes it, and focus goes back to where it was. */
export function Dialog({ open, onClose, title, children }: DialogProps) {
  return open ? (
    <Sheet title={title} onClose={onClose}>
      {children}
    </Sheet>
  ) : null;
}
