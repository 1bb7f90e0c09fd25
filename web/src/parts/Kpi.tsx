import type { ReactNode } from "react";

import type { Delta } from "../format";
import "./parts.css";

interface KpiProps {
  title: string;
  value: ReactNode;
  /** Against the period compared with, and what that is. */
  delta?: Delta | null;
  against?: string;
  spark?: ReactNode;
  status?: ReactNode;
  onExplain?: (() => void) | undefined;
}

const ARROWS = { up: "▲", down: "▼", flat: "■" };
const WORDS = { good: "better", bad: "worse", flat: "" };

/** One figure: how much, how it changed, and a way to ask what it rests on. */
export function Kpi({ title, value, delta, against, spark, status, onExplain }: KpiProps) {
  return (
    <div className="pu-kpi">
      <h3 className="pu-kpi-title">
        {onExplain ? (
          <button type="button" onClick={onExplain} title={`Explain ${title.toLowerCase()}`}>
            {title} <span aria-hidden="true">?</span>
            <span className="pu-hidden">: explain</span>
          </button>
        ) : (
          title
        )}
      </h3>
      <p className="pu-kpi-value">
        {value} {status}
      </p>
      <div className="pu-kpi-foot">
        {delta ? (
          <p className={`pu-delta pu-delta-${delta.tone}`} title={against}>
            <span aria-hidden="true">{ARROWS[delta.direction]}</span> {delta.text}
            <span className="pu-hidden">
              {" "}
              {WORDS[delta.tone]} {against}
            </span>
          </p>
        ) : null}
        {spark}
      </div>
    </div>
  );
}
