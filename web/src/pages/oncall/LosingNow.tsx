import { count, delta, drawn, money, time, type Amount } from "../../format";
import { amount, minutesOf, perMinute, type Answer } from "../answers";

interface LosingNowProps {
  /** revenue_loss and failures over the last complete minutes, beside the same minutes a week before. */
  now: Answer;
  /** The same over the whole view. */
  elapsed: Answer;
  minutes: number;
  tz: string;
}

/** What is being lost a minute, against the same hours a week before, and what it has come to. */
export function LosingNow({ now, elapsed, minutes, tz }: LosingNowProps) {
  const loss = amount(now.rows[0]?.["revenue_loss"]);
  const before = amount(now.rows[0]?.["revenue_loss_before"]);
  const each = perMinute(loss, minutes);
  const usual = perMinute(before, minutes);
  const change = delta({ now: each, before: usual, unit: "money", good: "down", currency: now.currency });
  const failures = amount(now.rows[0]?.["failures"]);
  const failed = `${count(failures)} ${Number(failures) === 1 ? "failure" : "failures"}`;
  const worse = (drawn(each) ?? 0) > (drawn(usual) ?? 0) && change.tone === "bad";
  return (
    <div className="pu-losing">
      <div>
        <p className={worse ? "pu-losing-now pu-losing-worse" : "pu-losing-now"}>
          {money(each, now.currency)} <small>/ min</small>
        </p>
        <p>
          in the {minutes} complete minutes to {time(now.window.end, tz)}: {money(loss, now.currency)}, {failed}
        </p>
      </div>
      <dl className="pu-losing-facts">
        <Fact title="Baseline" note="same minutes, the week before">
          {money(usual, now.currency)} / min
        </Fact>
        <Fact
          title="Against it"
          note={worse ? "worse than usual" : change.tone === "good" ? "better than usual" : "as usual"}
        >
          {change.text}
        </Fact>
        <Elapsed answer={elapsed} />
      </dl>
    </div>
  );
}

function Elapsed({ answer }: { answer: Answer }) {
  const total: Amount = amount(answer.rows[0]?.["revenue_loss"]);
  const before: Amount = amount(answer.rows[0]?.["revenue_loss_before"]);
  const minutes = minutesOf(answer.window);
  const each = minutes ? `, ${money(perMinute(total, minutes), answer.currency)} / min` : "";
  return (
    <Fact title="In the whole view" note={`week before ${money(before, answer.currency)}`}>
      {money(total, answer.currency)}
      {each}
    </Fact>
  );
}

function Fact({ title, note, children }: { title: string; note: string; children: React.ReactNode }) {
  return (
    <div>
      <dt>{title}</dt>
      <dd>{children}</dd>
      <dd className="pu-losing-note">{note}</dd>
    </div>
  );
}
