import type { Problem } from "../api/client";

/** While nothing is known yet. */
export function Waiting() {
  return (
    <p className="pu-loading" role="status" aria-busy="true">
      Loading…
    </p>
  );
}

/** When the server cannot even say who is signed in, or what is measured. */
export function Stopped({ problem, onRetry }: { problem: Problem; onRetry: () => void }) {
  return (
    <main className="pu-alone" role="alert">
      <h1>{problem.title}</h1>
      <p>{problem.detail}</p>
      <button type="button" className="pu-button" onClick={onRetry}>
        Retry
      </button>
    </main>
  );
}
