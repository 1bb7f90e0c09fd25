/** How far somebody is in a guided tour. Enters: stories, a step to go. Leaves: where they are, kept for next time. */

import type { Story, TourStep } from "../api/types";

export interface Progress {
  story: string | null;
  step: number;
  done: string[];
}

export const FRESH: Progress = { story: null, step: 0, done: [] };

export function parsed(text: string | null): Progress {
  try {
    const found = JSON.parse(text ?? "") as Partial<Progress>;
    return {
      story: typeof found.story === "string" ? found.story : null,
      step: Number.isInteger(found.step) ? Math.max(0, found.step!) : 0,
      done: Array.isArray(found.done) ? found.done.filter((each) => typeof each === "string") : [],
    };
  } catch {
    return FRESH;
  }
}

/** The story and step that somebody is at; null between stories. */
export function placeOf(
  stories: readonly Story[],
  progress: Progress,
): { story: Story; step: TourStep; at: number } | null {
  const story = stories.find(({ id }) => id === progress.story);
  const at = Math.min(progress.step, (story?.steps.length ?? 0) - 1);
  const step = story?.steps[at];
  return story && step ? { story, step, at } : null;
}

export function begun(progress: Progress, story: string): Progress {
  return { ...progress, story, step: 0 };
}

/** One step on or back; past the last step the story is done, before the first one chooses again. */
export function moved(stories: readonly Story[], progress: Progress, by: 1 | -1): Progress {
  const place = placeOf(stories, progress);
  if (place === null) return progress;
  const next = place.at + by;
  if (next < 0) return { ...progress, story: null, step: 0 };
  if (next < place.story.steps.length) return { ...progress, step: next };
  return { story: null, step: 0, done: [...new Set([...progress.done, place.story.id])] };
}

/** What a step points at: a `data-tour` name, or a selector. */
export function selectorOf(highlight: string): string {
  return /^[\w-]+$/.test(highlight) ? `[data-tour="${highlight}"]` : highlight;
}
