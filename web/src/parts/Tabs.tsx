import { useId, useRef, type KeyboardEvent, type ReactNode } from "react";

import "./parts.css";

interface TabsProps {
  label: string;
  tabs: readonly (readonly [name: string, title: ReactNode])[];
  value: string;
  onChange: (name: string) => void;
  /** What the chosen tab shows. */
  children: ReactNode;
}

/** Tabs that arrows, Home and End move through; what is chosen is shown at once. */
export function Tabs({ label, tabs, value, onChange, children }: TabsProps) {
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  const at = Math.max(
    0,
    tabs.findIndex(([name]) => name === value),
  );
  const move = (event: KeyboardEvent) => {
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1 + tabs.length, Home: 0, End: tabs.length - 1 }[event.key];
    const next = to === undefined ? undefined : tabs[to % tabs.length];
    if (next === undefined) return;
    event.preventDefault();
    onChange(next[0]);
    list.current?.querySelectorAll<HTMLElement>("[role=tab]")[to! % tabs.length]?.focus();
  };
  return (
    <div className="pu-tabs">
      <div ref={list} role="tablist" aria-label={label} className="pu-tablist" onKeyDown={move}>
        {tabs.map(([name, title], index) => (
          <button
            key={name}
            type="button"
            role="tab"
            id={`${id}-${name}`}
            aria-selected={index === at}
            aria-controls={`${id}-panel`}
            tabIndex={index === at ? 0 : -1}
            onClick={() => onChange(name)}
          >
            {title}
          </button>
        ))}
      </div>
      <div role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${tabs[at]?.[0]}`} className="pu-tabpanel">
        {children}
      </div>
    </div>
  );
}
