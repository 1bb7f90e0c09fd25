/** When a page itself breaks: says so, and offers to begin anew. The rest of the shell goes on. */
export function Crashed({ error }: { error: unknown }) {
  return (
    <div className="pu-alone" role="alert">
      <h1>This page broke</h1>
      <p>
        That is a fault in perunit, not in your data. Reload; if it comes back, report it with these words:{" "}
        <code>{error instanceof Error ? error.message : String(error)}</code>
      </p>
      <p>
        <button type="button" className="pu-button" onClick={() => location.reload()}>
          Reload
        </button>
      </p>
    </div>
  );
}
