import { useEffect, useId, useRef, useState, type ReactNode } from "react";

interface PopProps {
  /** What stands on the button. */
  label: ReactNode;
  /** Its name for who does not see it, where the label does not say enough. */
  name?: string;
  className?: string;
  /** On which side it opens. */
  align?: "start" | "end";
  tour?: string;
  children: (close: () => void) => ReactNode;
}

/** A button with a small panel under it; Escape, a click elsewhere or leaving it with Tab closes. */
export function Pop({ label, name, className = "pu-button", align = "start", tour, children }: PopProps) {
  const [open, setOpen] = useState(false);
  const room = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const id = useId();
  useEffect(() => {
    if (!open) return;
    room.current?.querySelector<HTMLElement>(".pu-pop :is(button, input, select, a)")?.focus();
    const outside = (event: Event) => {
      if (!room.current?.contains(event.target as Node)) setOpen(false);
    };
    document.addEventListener("pointerdown", outside);
    document.addEventListener("focusin", outside);
    return () => {
      document.removeEventListener("pointerdown", outside);
      document.removeEventListener("focusin", outside);
    };
  }, [open]);
  const close = () => {
    setOpen(false);
    button.current?.focus();
  };
  return (
    <div
      className="pu-pop-room"
      ref={room}
      data-tour={tour}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || !open) return;
        event.stopPropagation();
        close();
      }}
    >
      <button
        ref={button}
        type="button"
        className={className}
        aria-expanded={open}
        aria-controls={open ? id : undefined}
        aria-label={name}
        title={name}
        onClick={() => setOpen(!open)}
      >
        {label}
      </button>
      {open ? (
        <div id={id} className={`pu-pop pu-pop-${align}`}>
          {children(close)}
        </div>
      ) : null}
    </div>
  );
}
