import { useId, useState, type KeyboardEvent } from "react";

import { Sheet } from "./Sheet";

export interface Command {
  title: string;
  group: string;
  act: () => void;
}

const SHOWN_MAX = 12;

/** Everything that can be done, by typing part of its name. */
export default function Palette({ commands, onClose }: { commands: readonly Command[]; onClose: () => void }) {
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const id = useId();
  const found = matching(commands, text).slice(0, SHOWN_MAX);
  const chosen = Math.min(at, found.length - 1);
  function onKeyDown(event: KeyboardEvent) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      setAt((chosen + step + found.length) % Math.max(1, found.length));
    }
    if (event.key === "Enter" && found[chosen]) {
      event.preventDefault();
      run(found[chosen]);
    }
  }
  function run(command: Command) {
    onClose();
    command.act();
  }
  return (
    <Sheet title="Find a page, a filter or an action" onClose={onClose}>
      <input
        className="pu-palette-text"
        type="text"
        role="combobox"
        aria-label="Find"
        aria-expanded="true"
        aria-controls={id}
        aria-activedescendant={found[chosen] ? `${id}-${chosen}` : undefined}
        autoComplete="off"
        data-first
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          setAt(0);
        }}
        onKeyDown={onKeyDown}
      />
      <ul className="pu-palette" role="listbox" id={id} aria-label="Found">
        {found.map((command, index) => (
          <li
            key={command.group + command.title}
            id={`${id}-${index}`}
            role="option"
            aria-selected={index === chosen}
            onClick={() => run(command)}
            onPointerMove={() => setAt(index)}
          >
            <span>{command.title}</span>
            <small>{command.group}</small>
          </li>
        ))}
      </ul>
      {found.length === 0 ? <p role="status">Nothing is called that.</p> : null}
    </Sheet>
  );
}

/** Commands with every word in their name, those that begin with the text first. */
export function matching(commands: readonly Command[], text: string): Command[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const found = commands.filter(({ title, group }) => {
    const name = `${group} ${title}`.toLowerCase();
    return words.every((word) => name.includes(word));
  });
  const first = ({ title }: Command) => (words[0] && title.toLowerCase().startsWith(words[0]) ? 0 : 1);
  return found.sort((one, other) => first(one) - first(other));
}
