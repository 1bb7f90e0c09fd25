import type { ReactNode } from "react";

import "./parts.css";

interface BadgeProps {
  tone?: "good" | "bad" | "warn" | "info" | "flat";
  title?: string;
  children: ReactNode;
}

/** A word about something's state. */
export function Badge({ tone = "flat", title, children }: BadgeProps) {
  return (
    <span className={`pu-badge pu-badge-${tone}`} title={title}>
      {children}
    </span>
  );
}
