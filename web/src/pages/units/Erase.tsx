import { useState } from "react";

import { useAction, usePermissions } from "../../api/hooks";
import type { Erased } from "../../api/schema";
import { useGo, useLinkTo } from "../../app/state";
import { count } from "../../format";
import { Button, Reasoned, useToast } from "../../parts";

/** Cuts all that is stored from a person, for those who may; the page of the unit is no more then. */
export function Erase({ type, id }: { type: string; id: string }) {
  const [asked, setAsked] = useState(false);
  const may = usePermissions().has("privacy:erase");
  const path = `/units/${encodeURIComponent(type)}/${encodeURIComponent(id)}/erase`;
  const action = useAction<Erased, { reason: string }>("POST", path);
  const go = useGo();
  const linkTo = useLinkTo();
  const say = useToast();
  if (!may) return null;
  return (
    <>
      <Button onClick={() => setAsked(true)}>Erase…</Button>
      {asked ? (
        <Reasoned
          title={`Erase this ${type}`}
          act="Erase for good"
          danger
          action={action}
          body={(reason) => ({ reason })}
          onClose={() => setAsked(false)}
          onDone={({ facts }) => {
            say(`Erased; ${count(facts)} facts stay, of nobody.`);
            go(linkTo(`/units/${encodeURIComponent(type)}`));
          }}
        >
          <p>Its id goes, and nothing leads from the person to what is stored any more. Sums stay as they are.</p>
        </Reasoned>
      ) : null}
    </>
  );
}
