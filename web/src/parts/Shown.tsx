import type { ReactNode } from "react";
import type { UseQueryResult } from "@tanstack/react-query";

import type { Problem } from "../api/client";
import type { Figures, Result } from "../api/types";
import { Empty, ErrorState, InItsRoom, Query } from "./states";

interface ShownProps {
  of: UseQueryResult<Result[], Problem>;
  /** Which of the answers. */
  at: number;
  height?: number;
  children: (figures: Figures) => ReactNode;
}

/** One of several answers, or why this one is not shown; the others are not touched by it. */
export function Shown({ of, at, height, children }: ShownProps) {
  return (
    <Query of={of} height={height}>
      {(results) => {
        const result = results[at];
        if (result === undefined) return null;
        if ("problem" in result)
          return (
            <InItsRoom height={height}>
              <ErrorState error={result.problem} onRetry={() => void of.refetch()} />
            </InItsRoom>
          );
        if (result.rows.length === 0)
          return (
            <InItsRoom height={height}>
              <Empty title="No facts here">Choose a longer range or fewer filters.</Empty>
            </InItsRoom>
          );
        return children(result);
      }}
    </Query>
  );
}
