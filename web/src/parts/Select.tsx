import type { ReactNode } from "react";

import "./parts.css";

interface SelectProps {
  label: ReactNode;
  value: string;
  options: readonly (readonly [value: string, title: string])[];
  onChange: (value: string) => void;
}

/** One of few. A value that is not among them is shown all the same. */
export function Select({ label, value, options, onChange }: SelectProps) {
  const known = options.some(([each]) => each === value);
  return (
    <label className="pu-choice">
      <span>{label}</span>
      <select value={value} onChange={(event) => onChange(event.target.value)}>
        {known ? null : <option value={value}>{value}</option>}
        {options.map(([each, title]) => (
          <option key={each} value={each}>
            {title}
          </option>
        ))}
      </select>
    </label>
  );
}
