import { Button } from "./Button";

/** The next page of a list that the server cuts, or that this is all. */
export function More({ onMore, shown }: { onMore: (() => void) | null; shown: number }) {
  if (onMore === null) return shown > 20 ? <p className="pu-hint">That is all: {shown}.</p> : null;
  return (
    <p>
      <Button onClick={onMore}>Show more</Button> <span className="pu-hint">{shown} shown</span>
    </p>
  );
}
