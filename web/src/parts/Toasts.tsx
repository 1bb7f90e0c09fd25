import { dismiss, useSaid } from "./toast";
import "./parts.css";

/** Where what was just done is said; a screen reader hears it without being moved there. */
export function Toasts() {
  const said = useSaid();
  return (
    <div className="pu-toasts" role="status">
      {said.map(({ id, text }) => (
        <p key={id}>
          {text}{" "}
          <button type="button" className="pu-link" onClick={() => dismiss(id)}>
            Dismiss
          </button>
        </p>
      ))}
    </div>
  );
}
