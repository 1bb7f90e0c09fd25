import type { UseQueryResult } from "@tanstack/react-query";

import type { Problem } from "../../api/client";
import type { Result } from "../../api/types";
import { Bars, type BarRow } from "../../charts";
import { money, sign, decimal } from "../../format";
import { Panel, Shown } from "../../parts";
import { amount } from "../answers";
import { AT } from "./questions";

interface LosersProps {
  of: UseQueryResult<Result[], Problem>;
  dimension: string;
  onPick: (segment: string) => void;
}

/** The segments that lose most; where none loses, those that earn least. */
export function Losers({ of, dimension, onPick }: LosersProps) {
  return (
    <Panel
      title={`Top losing segments by ${dimension}`}
      note="Contribution margin in the range, the worst first; open one for its cost drivers"
      className="pu-third"
      tour="losers"
    >
      <Shown of={of} at={AT.losers} height={240}>
        {(figures) => (
          <Bars
            // While another dimension is asked for, the last answer stays, with its own.
            title={`Contribution margin by ${figures.by[0]}`}
            rows={figures.rows
              .filter((row) => row["contribution_margin"] !== null)
              .map((row) => barOf(row, figures.by[0] ?? dimension, figures.currency))}
            onPick={(row) => onPick(row.key)}
          />
        )}
      </Shown>
    </Panel>
  );
}

export function barOf(row: Record<string, unknown>, dimension: string, currency: string): BarRow {
  const margin = amount(row["contribution_margin"]);
  const exact = decimal(margin);
  const name = row[dimension] === null || row[dimension] === undefined ? "" : String(row[dimension]);
  return {
    key: name,
    label: name || "unknown",
    value: margin,
    shown: money(margin, currency),
    tone: exact && sign(exact) < 0 ? "bad" : "flat",
  };
}
