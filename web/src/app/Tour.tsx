import { useEffect, useRef, useState } from "react";

import { useApi } from "../api/hooks";
import type { Story } from "../api/types";
import { Icon } from "./Icon";
import { keep, kept } from "./kept";
import { useGo } from "./state";
import { begun, moved, parsed, placeOf, selectorOf, type Progress } from "./tour";

const WAITS_MS = 10_000;

/** Leads through what there is to discover: goes to each place, frames what to look at, and says why. */
export default function Tour({ onClose }: { onClose: () => void }) {
  const found = useApi<{ stories: Story[] }>("/tour");
  const [progress, setProgress] = useState<Progress>(() => parsed(kept("tour")));
  const stories = found.data?.stories ?? [];
  const place = placeOf(stories, progress);
  const heading = useRef<HTMLHeadingElement>(null);
  const go = useGo();
  const link = place?.step.link;
  useEffect(() => keep("tour", JSON.stringify(progress)), [progress]);
  useEffect(() => {
    if (link) go(link);
  }, [go, link, progress.step, progress.story]);
  useEffect(() => heading.current?.focus({ preventScroll: true }), [progress.step, progress.story]);
  useFrame(place?.step.highlight ?? null, `${progress.story}/${progress.step}`);
  return (
    <aside
      className="pu-coach"
      role="dialog"
      aria-labelledby="pu-coach-title"
      onKeyDown={(event) => {
        if (event.key === "Escape") onClose();
      }}
    >
      <header className="pu-sheet-head">
        <h2 id="pu-coach-title" ref={heading} tabIndex={-1}>
          {place ? place.step.title : "What is strange about this company?"}
        </h2>
        <button type="button" className="pu-icon-button" aria-label="Leave the tour" onClick={onClose}>
          <Icon name="close" />
        </button>
      </header>
      {place ? (
        <>
          <p className="pu-hint">
            {place.story.title} · step {place.at + 1} of {place.story.steps.length}
          </p>
          {place.at === 0 ? <p className="pu-coach-intro">{place.story.intro}</p> : null}
          <p>{place.step.text}</p>
          <div className="pu-coach-acts">
            <button type="button" className="pu-button" onClick={() => setProgress(moved(stories, progress, -1))}>
              {place.at === 0 ? "All stories" : "Back"}
            </button>
            <button type="button" className="pu-button" onClick={() => go(place.step.link)}>
              Show again
            </button>
            <button
              type="button"
              className="pu-button pu-button-first"
              onClick={() => setProgress(moved(stories, progress, 1))}
            >
              {place.at + 1 === place.story.steps.length ? "Finish" : "Next"}
            </button>
          </div>
        </>
      ) : (
        <Stories stories={stories} done={progress.done} onPick={(id) => setProgress(begun(progress, id))} />
      )}
      {found.isPending ? <p role="status">Loading…</p> : null}
      {found.isError ? <p role="alert">{found.error.detail}</p> : null}
    </aside>
  );
}

function Stories({ stories, done, onPick }: { stories: Story[]; done: string[]; onPick: (id: string) => void }) {
  return (
    <ol className="pu-stories">
      {stories.map((story) => (
        <li key={story.id}>
          <button type="button" onClick={() => onPick(story.id)}>
            <strong>{story.title}</strong>
            {done.includes(story.id) ? <span className="pu-badge pu-badge-good">Seen</span> : null}
            <small>{story.intro}</small>
          </button>
        </li>
      ))}
    </ol>
  );
}

/** Frames the element that a step points at, once it is there; pages draw after they have asked. */
function useFrame(highlight: string | null, step: string): void {
  useEffect(() => {
    if (!highlight) return;
    const selector = selectorOf(highlight);
    let framed: Element | null = null;
    const frame = () => {
      const element = document.querySelector(selector);
      if (element === null || element === framed) return;
      framed?.classList.remove("pu-toured");
      framed = element;
      element.classList.add("pu-toured");
    };
    frame();
    const release = held(() => framed);
    // A page that draws anew may put another element in its place, or take the class away.
    const watch = new MutationObserver(() => {
      if (!framed?.isConnected || !framed.classList.contains("pu-toured")) {
        framed = null;
        frame();
      }
    });
    watch.observe(document.body, { childList: true, subtree: true });
    const enough = setTimeout(() => watch.disconnect(), WAITS_MS);
    return () => {
      clearTimeout(enough);
      release();
      watch.disconnect();
      framed?.classList.remove("pu-toured");
    };
  }, [highlight, step]);
}

/** Keeps an element in sight while panels above it still grow, until the person scrolls or acts. */
function held(element: () => Element | null): () => void {
  const begun = Date.now();
  const look = setInterval(() => {
    if (Date.now() - begun > WAITS_MS) return stop();
    const found = element();
    if (found !== null && !inSight(found)) found.scrollIntoView({ block: "start" });
  }, 250);
  const acts = ["wheel", "touchstart", "pointerdown", "keydown"] as const;
  const stop = () => {
    clearInterval(look);
    for (const act of acts) removeEventListener(act, stop);
  };
  for (const act of acts) addEventListener(act, stop, { passive: true });
  return stop;
}

function inSight(element: Element): boolean {
  const { top } = element.getBoundingClientRect();
  // The last panel of a page cannot come to the top of it.
  const end = Math.ceil(scrollY + innerHeight) >= document.documentElement.scrollHeight;
  return top >= 0 && (top < innerHeight * 0.4 || (end && top < innerHeight));
}
