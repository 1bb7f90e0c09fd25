import { useState } from "react";

import { Button } from "./Button";

/** Copies a text and says so; where the browser does not allow it, the text can be selected beside it. */
export function Copy({ text, label = "Copy" }: { text: string; label?: string }) {
  const [said, setSaid] = useState("");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setSaid("Copied.");
    } catch {
      setSaid("Not allowed here; select the text and copy it.");
    }
  };
  return (
    <span className="pu-copy">
      <Button onClick={() => void copy()}>{label}</Button>{" "}
      <span role="status" className="pu-hint">
        {said}
      </span>
    </span>
  );
}
