import { Link } from "./Link";

export function NotFound() {
  return (
    <main className="pu-alone">
      <h1>No such page</h1>
      <p>
        Nothing is at this address. <Link href="/">Go to the beginning</Link>.
      </p>
    </main>
  );
}
