/** What this browser keeps for a person: the theme, whether shortcuts are on, how far the tour went. */

const ROOM = "perunit.";

export function kept(name: string): string | null {
  try {
    return localStorage.getItem(ROOM + name);
  } catch {
    return null; // A browser that keeps nothing is as good as one that has kept nothing yet.
  }
}

export function keep(name: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(ROOM + name);
    else localStorage.setItem(ROOM + name, value);
  } catch {
    // The choice then lasts as long as the page.
  }
}
