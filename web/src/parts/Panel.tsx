import { useId, type ReactNode } from "react";

import "./parts.css";

interface PanelProps {
  title: string;
  /** A line under the title. */
  note?: ReactNode;
  actions?: ReactNode;
  className?: string;
  /** The name by which a tour points at it. */
  tour?: string;
  children: ReactNode;
}

/** One thing on a page, with a name. */
export function Panel({ title, note, actions, className = "", tour, children }: PanelProps) {
  const id = useId();
  return (
    <section className={`pu-panel ${className}`} aria-labelledby={id} data-tour={tour}>
      <header className="pu-panel-head">
        <div>
          <h2 id={id}>{title}</h2>
          {note ? <p className="pu-panel-note">{note}</p> : null}
        </div>
        {actions ? <div className="pu-panel-acts">{actions}</div> : null}
      </header>
      {children}
    </section>
  );
}
