import { useState } from "react";

import { time } from "../format";
import { clustered, keyOf, letterOf, summed, wordOf, type Annotation } from "./annotations";

interface RailProps {
  annotations: readonly Annotation[];
  position: ((seconds: number) => number) | null;
  left: number;
  width: number;
  tz: string;
}

/** Deployments, flags, incidents and price changes above the plot, as buttons: what a canvas cannot be. */
export function Rail({ annotations, position, left, width, tz }: RailProps) {
  const [open, setOpen] = useState<number | null>(null);
  const clusters = position ? clustered(annotations, position, width) : [];
  return (
    <div className="pu-rail">
      {clusters.map((cluster, index) => {
        const [first] = cluster.annotations;
        const many = cluster.annotations.length > 1;
        const said = many ? summed(cluster.annotations) : `${wordOf(first!.kind)}: ${first!.title}`;
        const label = `${said}, ${time(first!.start, tz)}`;
        return (
          <div
            key={cluster.annotations.map(keyOf).join()}
            className="pu-rail-mark"
            style={{ left: left + cluster.at }}
            onKeyDown={(event) => event.key === "Escape" && setOpen(null)}
            onBlur={(event) => event.currentTarget.contains(event.relatedTarget) || setOpen(null)}
          >
            <button
              type="button"
              className={`pu-rail-button pu-rail-${first!.kind}`}
              aria-expanded={open === index}
              aria-label={label}
              title={label}
              onClick={() => setOpen(open === index ? null : index)}
            >
              {many ? cluster.annotations.length : letterOf(first!.kind)}
            </button>
            {open === index ? (
              <ul className={cluster.at > width / 2 ? "pu-rail-list pu-rail-list-left" : "pu-rail-list"} tabIndex={-1}>
                {cluster.annotations.map((each) => (
                  <li key={keyOf(each)}>
                    <b>{each.title}</b> <span className="pu-rail-kind">{wordOf(each.kind)}</span>
                    <div className="pu-rail-time">
                      {time(each.start, tz)}
                      {each.end ? ` to ${time(each.end, tz)}` : ""}
                    </div>
                    {each.text ? <p>{each.text}</p> : null}
                    {each.url ? (
                      <a href={each.url} rel="noreferrer noopener" target="_blank">
                        More
                      </a>
                    ) : null}
                  </li>
                ))}
              </ul>
            ) : null}
          </div>
        );
      })}
    </div>
  );
}
