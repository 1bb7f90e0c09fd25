import { Link } from "./Link";

/** Where no page is. */
export function NotFound() {
  return (
    <main>
      <Missing />
    </main>
  );
}

/** The same inside of the shell, which has its own `main`. */
export function Missing() {
  return (
    <div className="pu-alone">
      <h1>No such page</h1>
      <p>
        Nothing is at this address. <Link href="/">Go to the beginning</Link>.
      </p>
    </div>
  );
}
