import { PAGES } from "./pages";
import { Sheet } from "./Sheet";

interface HelpProps {
  singles: boolean;
  onSingles: (on: boolean) => void;
  onClose: () => void;
}

const KEYS: readonly (readonly [string, string])[] = [
  ["⌘K, Ctrl K", "Find a page, a filter or an action"],
  ["?", "This sheet"],
  ["/", "Add a filter"],
  ["p", "Pause or follow new facts"],
  ["← → Home End", "In a chart: from one moment to the next"],
  ["Esc", "Close what is open"],
];

/** Every key, and the switch that turns the single ones off. */
export default function Help({ singles, onSingles, onClose }: HelpProps) {
  return (
    <Sheet title="Keys" onClose={onClose}>
      <dl className="pu-keys">
        {KEYS.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
        {PAGES.map(({ key, title }) => (
          <div key={key}>
            <dt>
              <kbd>g</kbd> <kbd>{key}</kbd>
            </dt>
            <dd>Go to {title}</dd>
          </div>
        ))}
      </dl>
      <label className="pu-tick">
        <input type="checkbox" checked={singles} onChange={(event) => onSingles(event.target.checked)} />
        Keys without Ctrl or ⌘ work (switch them off if you dictate or they get in your way)
      </label>
    </Sheet>
  );
}
