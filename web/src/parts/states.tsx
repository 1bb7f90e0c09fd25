import type { ReactNode } from "react";
import type { UseQueryResult } from "@tanstack/react-query";

import type { Problem } from "../api/client";
import type { ProblemBody } from "../api/types";
import "./parts.css";

/** Before the first answer only; later ones keep what is shown. */
export function Skeleton({ height = 120 }: { height?: number }) {
  return (
    <div className="pu-skeleton" role="status" aria-busy="true" style={{ minHeight: height }}>
      <span className="pu-hidden">Loading…</span>
    </div>
  );
}

/** Nothing there, and what could be done about it. */
export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="pu-state">
      <p className="pu-state-title">{title}</p>
      {children ? <div>{children}</div> : null}
    </div>
  );
}

/** Why there is no answer, and the way to ask again. */
export function ErrorState({ error, onRetry }: { error: ProblemBody; onRetry?: (() => void) | undefined }) {
  if (error.status === 403) return <Forbidden problem={error} />;
  return (
    <div className="pu-state pu-state-bad" role="alert">
      <p className="pu-state-title">{error.title ?? "Something went wrong"}</p>
      <p>{error.detail}</p>
      {onRetry ? (
        <button type="button" className="pu-button" onClick={onRetry}>
          Retry
        </button>
      ) : null}
    </div>
  );
}

/** What is not shown to this viewer, which permission it needs, and who has it. */
export function Forbidden({ problem }: { problem: ProblemBody }) {
  return (
    <div className="pu-state">
      <p className="pu-state-title">Not shown to your role</p>
      {problem.permission ? (
        <p>
          It needs <code>{problem.permission}</code>
          {problem.roles?.length ? `, which ${problem.roles.join(", ")} have` : ""}; ask an administrator for such a
          role.
        </p>
      ) : (
        <p>{problem.detail ?? problem.title}</p>
      )}
    </div>
  );
}

/** What stands in an answer's place is as high, so that nothing below it moves. */
export function InItsRoom({ height, children }: { height?: number | undefined; children: ReactNode }) {
  return <div style={{ minHeight: height }}>{children}</div>;
}

interface QueryProps<T> {
  of: UseQueryResult<T, Problem>;
  height?: number;
  children: (data: T) => ReactNode;
}

/** Shows an answer, or the state it is in; a failed refresh keeps the old answer and says so. */
export function Query<T>({ of, height = 120, children }: QueryProps<T>) {
  if (of.data === undefined)
    return of.isError ? (
      <InItsRoom height={height}>
        <ErrorState error={of.error} onRetry={() => void of.refetch()} />
      </InItsRoom>
    ) : (
      <Skeleton height={height} />
    );
  return (
    <>
      {of.isError ? (
        <p className="pu-stale" role="status">
          Not refreshed: {of.error.title}.{" "}
          <button type="button" className="pu-link" onClick={() => void of.refetch()}>
            Retry
          </button>
        </p>
      ) : null}
      {children(of.data)}
    </>
  );
}

/** What is shown is not all of it, and why. */
export function Partial({ children }: { children: ReactNode }) {
  return (
    <p className="pu-stale" role="note">
      Partial: {children}
    </p>
  );
}
