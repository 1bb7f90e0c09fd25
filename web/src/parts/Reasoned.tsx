import { useState, type FormEvent, type ReactNode } from "react";
import type { UseMutationResult } from "@tanstack/react-query";

import type { Problem } from "../api/client";
import { Button } from "./Button";
import { Dialog } from "./Dialog";
import { Field } from "./Field";
import { ErrorState } from "./states";

interface ReasonedProps<T, B> {
  title: string;
  /** What stands on the button that does it. */
  act: string;
  danger?: boolean;
  action: UseMutationResult<T, Problem, B>;
  body: (reason: string, form: FormData) => B;
  onClose: () => void;
  onDone?: (made: T) => void;
  /** Whether a reason is asked for; true unless told. */
  reason?: boolean;
  children?: ReactNode;
}

/** Asks why before something is decided; it closes when that is done, and says why where it is refused. */
export function Reasoned<T, B>(props: ReasonedProps<T, B>) {
  const { title, act, danger, action, body, onClose, onDone, reason = true, children } = props;
  const [missing, setMissing] = useState(false);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const said = String(form.get("reason") ?? "").trim();
    setMissing(reason && !said);
    if (reason && !said) return;
    action.mutate(body(said, form), {
      onSuccess: (made) => {
        onDone?.(made);
        onClose();
      },
    });
  };
  return (
    <Dialog open title={title} onClose={onClose}>
      <form className="pu-form" onSubmit={submit} noValidate={false}>
        {children}
        {reason ? (
          <Field
            label="Reason"
            hint="Kept with your name in the audit log."
            error={missing ? "Say why, in a few words." : null}
          >
            {(control) => <textarea {...control} name="reason" rows={3} maxLength={2000} required />}
          </Field>
        ) : null}
        {action.isError ? <ErrorState error={action.error} /> : null}
        <div className="pu-form-acts">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind={danger ? "danger" : "first"} disabled={action.isPending}>
            {action.isPending ? "Working…" : act}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
