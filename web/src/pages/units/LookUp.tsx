import { useState, type FormEvent } from "react";

import { useGo, useLinkTo, useProject } from "../../app/state";
import { Button, Select } from "../../parts";
import "./units.css";

/** From an id to its receipt. */
export function LookUp({ type }: { type: string }) {
  const project = useProject();
  const go = useGo();
  const linkTo = useLinkTo();
  const [chosen, setChosen] = useState(type);
  const open = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const id = String(new FormData(event.currentTarget).get("id")).trim();
    if (id) go(linkTo(`/units/${encodeURIComponent(chosen)}/${encodeURIComponent(id)}`));
  };
  return (
    <form className="pu-units-look" role="search" aria-label="Look up a unit" onSubmit={open}>
      <Select
        label="Unit"
        value={chosen}
        options={project.units.map(({ name }) => [name, name] as const)}
        onChange={setChosen}
      />
      <label className="pu-units-id">
        <span>Id</span>
        <input name="id" required autoComplete="off" spellCheck={false} />
      </label>
      <Button type="submit" kind="first">
        Show receipt
      </Button>
    </form>
  );
}
