import { useRef, type FormEvent } from "react";

import { useAction, usePermissions } from "../../api/hooks";
import { Button, ErrorState } from "../../parts";

interface RevealProps {
  type: string;
  id: string;
  revealed: string | null;
  onRevealed: (id: string) => void;
}

/** The id behind a pseudonym, for those who may see it and say why; it is recorded who did. */
export function Reveal({ type, id, revealed, onRevealed }: RevealProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const may = usePermissions().has("units:reveal");
  const path = `/units/${encodeURIComponent(type)}/${encodeURIComponent(id)}/reveal`;
  const reveal = useAction<{ id: string }, { reason: string }>("POST", path);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const reason = String(new FormData(event.currentTarget).get("reason")).trim();
    reveal.mutate(
      { reason },
      {
        onSuccess: (answer) => {
          onRevealed(answer.id);
          dialog.current?.close();
        },
      },
    );
  };
  if (revealed !== null) return null;
  if (!may) return <p className="pu-hint">Its id is masked; those with units:reveal may see it.</p>;
  return (
    <>
      <Button onClick={() => dialog.current?.showModal()}>Reveal id</Button>
      <dialog ref={dialog} className="pu-unit-reveal" aria-label={`Reveal the id of this ${type}`}>
        <form onSubmit={submit}>
          <h2>Reveal the id</h2>
          <p>Who revealed it, when and why is kept in the audit log.</p>
          <label>
            Reason
            <textarea name="reason" required minLength={3} maxLength={500} rows={3} />
          </label>
          {reveal.isError ? <ErrorState error={reveal.error} /> : null}
          <div className="pu-unit-acts">
            <Button onClick={() => dialog.current?.close()}>Cancel</Button>
            <Button type="submit" kind="first" disabled={reveal.isPending}>
              Reveal
            </Button>
          </div>
        </form>
      </dialog>
    </>
  );
}
