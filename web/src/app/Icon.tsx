const PATHS: Record<string, string> = {
  chart: "M3 20h18M5 16l5-6 4 4 6-8",
  pulse: "M2 12h5l3-8 4 16 3-8h5",
  search: "M11 4a7 7 0 1 1 0 14 7 7 0 0 1 0-14M16 16l5 5",
  receipt: "M6 3v18l3-2 3 2 3-2 3 2V3zM9 8h6M9 12h6",
  balance: "M12 3v18M7 21h10M5 7h14M5 7l-3 7h6zM19 7l-3 7h6z",
  tag: "M3 12V3h9l9 9-9 9zM8 8h.01",
  check: "M12 3l8 3v6c0 5-4 8-8 9-4-1-8-4-8-9V6zM9 12l2 2 4-4",
  book: "M4 5c3-1 5-1 8 1 3-2 5-2 8-1v14c-3-1-5-1-8 1-3-2-5-2-8-1zM12 6v14",
  people: "M9 4a4 4 0 1 1 0 8 4 4 0 0 1 0-8M2 21c0-4 3-6 7-6s7 2 7 6M17 5a3.5 3.5 0 0 1 0 7M19 15c2 1 3 3 3 6",
  menu: "M4 6h16M4 12h16M4 18h16",
  close: "M5 5l14 14M19 5L5 19",
  share: "M10 14a4 4 0 0 0 6 0l4-4a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6 0l-4 4a4 4 0 0 0 6 6l1-1",
  export: "M12 4v11M7 10l5 5 5-5M4 20h16",
  save: "M6 3h12v18l-6-5-6 5z",
  pause: "M8 5v14M16 5v14",
  play: "M7 4l13 8-13 8z",
  sun: "M12 8a4 4 0 1 1 0 8 4 4 0 0 1 0-8M12 2v3M12 19v3M2 12h3M19 12h3M5 5l2 2M17 17l2 2M19 5l-2 2M7 17l-2 2",
  moon: "M20 14A8 8 0 1 1 10 4a7 7 0 0 0 10 10z",
  screen: "M3 5h18v12H3zM8 21h8M12 17v4",
  help: "M9 9a3 3 0 1 1 4 3c-1 .5-1 1-1 2M12 18h.01M12 2a10 10 0 1 1 0 20 10 10 0 0 1 0-20",
  tour: "M12 2a10 10 0 1 1 0 20 10 10 0 0 1 0-20M16 8l-2.5 5.5L8 16l2.5-5.5z",
  plus: "M12 5v14M5 12h14",
  user: "M12 4a4 4 0 1 1 0 8 4 4 0 0 1 0-8M4 21c0-5 4-7 8-7s8 2 8 7",
};

/** A sign beside words; never alone without a label on its button. */
export function Icon({ name }: { name: string }) {
  return (
    <svg className="pu-icon" viewBox="0 0 24 24" width="16" height="16" aria-hidden="true" focusable="false">
      <path
        d={PATHS[name] ?? ""}
        fill="none"
        stroke="currentColor"
        strokeWidth="1.8"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
    </svg>
  );
}
