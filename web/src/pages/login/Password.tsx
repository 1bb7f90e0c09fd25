import { useState, type FormEvent } from "react";
import { useMutation, useQueryClient } from "@tanstack/react-query";

import { keepToken, send, type Problem } from "../../api/client";
import { SESSION_KEY } from "../../api/hooks";
import type { Session } from "../../api/types";
import { Button, ErrorState, Field } from "../../parts";

/** Chooses another password of one's own; every other browser has to sign in again. */
export function Password({ current, onDone }: { current: boolean; onDone: () => void }) {
  const client = useQueryClient();
  const [apart, setApart] = useState(false);
  const change = useMutation<Session, Problem, { current?: string; password: string }>({
    mutationFn: (body) => send<Session>("PUT", "/session/password", body),
    onSuccess: (session) => {
      keepToken(session.csrf_token);
      client.setQueryData(SESSION_KEY, session);
      onDone();
    },
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const password = String(form.get("password"));
    setApart(password !== form.get("again"));
    if (password !== form.get("again")) return;
    change.mutate({ password, ...(current ? { current: String(form.get("current")) } : {}) });
  };
  return (
    <form className="pu-form" onSubmit={submit}>
      {current ? (
        <Field label="Password until now">
          {(control) => (
            <input {...control} name="current" type="password" autoComplete="current-password" required data-first />
          )}
        </Field>
      ) : null}
      <Field label="New password">
        {(control) => <input {...control} name="password" type="password" autoComplete="new-password" required />}
      </Field>
      <Field label="New password again" error={apart ? "The two differ; type the same twice." : null}>
        {(control) => <input {...control} name="again" type="password" autoComplete="new-password" required />}
      </Field>
      {change.isError ? <ErrorState error={change.error} /> : null}
      <div className="pu-form-acts">
        <Button type="submit" kind="first" disabled={change.isPending}>
          Keep this password
        </Button>
      </div>
    </form>
  );
}
