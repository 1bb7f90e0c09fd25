import { useEffect, useId, useRef, type ReactNode } from "react";

import { Icon } from "./Icon";

interface SheetProps {
  title: string;
  onClose: () => void;
  /** Over the middle, or along the side with the page still in sight. */
  side?: boolean;
  children: ReactNode;
}

/** A native dialog that is open as long as it is there: focus stays in it, Escape closes, focus goes back. */
export function Sheet({ title, onClose, side = false, children }: SheetProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const back = document.activeElement;
    dialog.current?.showModal();
    dialog.current?.querySelector<HTMLElement>("[data-first]")?.focus();
    return () => {
      if (back instanceof HTMLElement) back.focus();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      className={side ? "pu-sheet pu-sheet-side" : "pu-sheet"}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => {
        if (event.target === dialog.current) onClose(); // Beside it.
      }}
    >
      <div className="pu-sheet-room">
        <header className="pu-sheet-head">
          <h2 id={id}>{title}</h2>
          <button type="button" className="pu-icon-button" aria-label="Close" onClick={onClose}>
            <Icon name="close" />
          </button>
        </header>
        {children}
      </div>
    </dialog>
  );
}
