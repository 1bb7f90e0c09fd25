import { keyOf, wordOf, type Annotation } from "../../charts/annotations";
import { duration, time } from "../../format";

interface ChangesProps {
  annotations: readonly Annotation[];
  /** Up to when it is told how long ago. */
  until: string;
  tz: string;
}

/** What was changed lately, the latest first: a fault's usual cause. */
export function Changes({ annotations, until, tz }: ChangesProps) {
  const latest = [...annotations].sort((one, other) => other.start.localeCompare(one.start)).slice(0, 12);
  return (
    <ol className="pu-changes">
      {latest.map((each) => (
        <li key={keyOf(each)}>
          <span className={`pu-changes-kind pu-changes-${each.kind}`}>{wordOf(each.kind)}</span>
          <span>
            {each.url ? (
              <a href={each.url} target="_blank" rel="noreferrer noopener">
                {each.title}
              </a>
            ) : (
              <b>{each.title}</b>
            )}
            {each.text ? <small>{each.text}</small> : null}
          </span>
          <time dateTime={each.start} title={time(each.start, tz)}>
            {ago(each.start, until)}
          </time>
        </li>
      ))}
    </ol>
  );
}

function ago(start: string, until: string): string {
  const seconds = (Date.parse(until) - Date.parse(start)) / 1000;
  return seconds >= 0 ? `${duration(Math.round(seconds / 60) * 60)} before` : "later";
}
