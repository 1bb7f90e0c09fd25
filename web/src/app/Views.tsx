import { useState, type FormEvent } from "react";

import { useAction, useApi, usePermissions } from "../api/hooks";
import type { SavedView } from "../api/types";
import { pageOf } from "./pages";
import { Sheet } from "./Sheet";
import { useGo } from "./state";

/** Views that were saved, and a name for this one. */
export default function Views({ page, state, onClose }: { page: string; state: string; onClose: () => void }) {
  const views = useApi<{ views: SavedView[] } | SavedView[]>("/views");
  const remove = useAction<void, { id: number }>("DELETE", ({ id }) => `/views/${id}`);
  const go = useGo();
  const listed = Array.isArray(views.data) ? views.data : (views.data?.views ?? []);
  return (
    <Sheet title="Saved views" onClose={onClose}>
      {views.isPending ? <p role="status">Loading…</p> : null}
      {views.isError ? <p role="alert">{views.error.detail}</p> : null}
      {views.isSuccess && listed.length === 0 ? (
        <p className="pu-hint">None yet. Save what you look at below.</p>
      ) : null}
      <ul className="pu-views">
        {listed.map((view) => (
          <li key={view.id}>
            <button
              type="button"
              className="pu-link"
              onClick={() => {
                onClose();
                go(addressOf(view));
              }}
            >
              {view.name}
            </button>
            <small>
              {pageOf(addressOf(view).split("?")[0]!)?.title ?? view.page}
              {view.own ? (view.shared ? " · shared" : "") : ` · from ${view.owner ?? "somebody who left"}`}
            </small>
            {view.own ? (
              <button
                type="button"
                className="pu-button pu-button-quiet"
                aria-label={`Delete ${view.name}`}
                onClick={() => remove.mutate({ id: view.id })}
              >
                Delete
              </button>
            ) : (
              <span />
            )}
          </li>
        ))}
      </ul>
      {remove.isError ? <p role="alert">{remove.error.detail}</p> : null}
      <Save page={page} state={state} />
    </Sheet>
  );
}

function Save({ page, state }: { page: string; state: string }) {
  const save = useAction<SavedView, Pick<SavedView, "name" | "page" | "state" | "shared">>("POST", "/views");
  const may = usePermissions();
  const [name, setName] = useState("");
  const [shared, setShared] = useState(false);
  function keep(event: FormEvent) {
    event.preventDefault();
    save.mutate({ name: name.trim(), page, state, shared }, { onSuccess: () => setName("") });
  }
  return (
    <form className="pu-save" onSubmit={keep}>
      <label>
        Save this view as
        <input type="text" maxLength={100} required value={name} onChange={(event) => setName(event.target.value)} />
      </label>
      {may.has("views:share") ? (
        <label className="pu-tick">
          <input type="checkbox" checked={shared} onChange={(event) => setShared(event.target.checked)} />
          Everybody here sees it in this list
        </label>
      ) : null}
      <button type="submit" className="pu-button pu-button-first" disabled={name.trim() === "" || save.isPending}>
        Save view
      </button>
      <p role="status">{save.isSuccess ? "Saved." : ""}</p>
      {save.isError ? <p role="alert">{save.error.detail}</p> : null}
    </form>
  );
}

/** Where a saved view is; only ever inside the app. */
export function addressOf({ page, state }: Pick<SavedView, "page" | "state">): string {
  const path = `/${page.replace(/^\/+/, "")}`;
  return state ? `${path}?${state.replace(/^\?/, "")}` : path;
}
