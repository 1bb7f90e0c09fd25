"""What a demo adds to the company: a price book with a mistake in it, and a tour of what there is to discover.

Enters: a simulated project. Leaves: `prices/models@2.yaml` and `tour.json` in it. The truth knows nothing of the
mistake: it is somebody's who typed two zeros too few.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from perunit.simulate.options import SimulationOptions
from perunit.simulate.scenario import DAY_MS, Scenario

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["WRONG_PRICE", "dress", "options_of", "wrong_from"]

WRONG_PRICE = "models@2"
_WRONG_DAYS = 3


def options_of(project: Path) -> SimulationOptions:
    """The options a simulated project was made with, from its truth."""
    said = json.loads((project / "truth.json").read_text(encoding="utf-8"))["options"]
    start = datetime.fromisoformat(said.pop("start")).date()
    change = datetime.fromisoformat(said.pop("price_change").replace("Z", "+00:00"))
    return SimulationOptions(**said, start=start, price_change=change)


def wrong_from(options: SimulationOptions) -> datetime:
    """From when on the mistake prices written tokens a hundred times too high."""
    return options.end - timedelta(days=min(_WRONG_DAYS, max(1, options.days // 4)))


def dress(project: Path, options: SimulationOptions) -> None:
    """Adds the mistake and the tour."""
    (project / "prices" / f"{WRONG_PRICE}.yaml").write_text(_with_mistake(project, options), encoding="utf-8")
    tour = {"stories": [story.as_json() for story in _stories(Scenario(options))]}
    (project / "tour.json").write_text(json.dumps(tour, indent=2) + "\n", encoding="utf-8")


def _with_mistake(project: Path, options: SimulationOptions) -> str:
    """The next version of the book: the last price of written tokens ends, and goes on per 10,000."""
    begins = wrong_from(options)
    lines = (project / "prices" / "models.yaml").read_text(encoding="utf-8").splitlines()
    last = lines.pop()
    priced = last[: last.index("effective_from: ")].replace("per: 1000000", "per: 10000")
    lines.append(f"{last.removesuffix('}')}, effective_to: {begins:%Y-%m-%d}}}")
    lines.append(f"{priced}effective_from: {begins:%Y-%m-%d}}}")
    text = "\n".join(lines).replace("version: 1", "version: 2")
    approval = {
        "actor": "Robin Vale",
        "reason": "the provider's new list, by hand",
        "approved_at": (begins - timedelta(hours=15)).isoformat(),
    }
    said = "".join(f"  {name}: {json.dumps(value)}\n" for name, value in approval.items())
    return f"{text}\napproval:\n{said}"


@dataclass(frozen=True, slots=True)
class _Step:
    """One place to look at: `page` with what is chosen there, and what to see."""

    title: str
    text: str
    page: str
    chosen: tuple[tuple[str, str], ...] = ()
    highlight: str | None = None

    def as_json(self) -> dict[str, Any]:
        link = f"{self.page}?{urlencode(self.chosen)}" if self.chosen else self.page
        return {"title": self.title, "text": self.text, "link": link, "highlight": self.highlight}


@dataclass(frozen=True, slots=True)
class _Story:
    """Something strange about the company, and the way to find it."""

    id: str
    title: str
    intro: str
    steps: tuple[_Step, ...]

    def as_json(self) -> dict[str, Any]:
        steps = [step.as_json() for step in self.steps]
        return {"id": self.id, "title": self.title, "intro": self.intro, "steps": steps}


def _stories(scenario: Scenario) -> tuple[_Story, ...]:
    return (_heavy_release(scenario), _losing_region(scenario), _wrong_price(scenario), _failing_payments(scenario))


def _range(scenario: Scenario, first_day: int, last_day: int) -> tuple[tuple[str, str], ...]:
    """Days of the simulation as a chosen range; the second is excluded."""
    days = scenario.options.days
    edges = [_date(scenario, min(max(day, 0), days)) for day in (first_day, last_day)]
    return (("from", edges[0]), ("to", edges[1]))


def _date(scenario: Scenario, day: int) -> str:
    return datetime.fromtimestamp((scenario.start + day * DAY_MS) / 1000, tz=UTC).strftime("%Y-%m-%d")


def _heavy_release(scenario: Scenario) -> _Story:
    number = scenario.heavy_release
    release, before = scenario.releases[number], scenario.releases[max(0, number - 1)]
    days = _range(scenario, 5 * number - 5, 5 * number + 5)
    return _Story(
        "heavy-release",
        "A release that costs more",
        "One release needs 40 % more processor time for each order. Nobody saw an error.",
        (
            _Step(
                "Cost per order by release",
                f"Sort by cost per order: {release} stands above {before}, though both sell the same.",
                "/executive",
                (*days, ("by", "release")),
                "segments",
            ),
            _Step(
                "Before and after the deployment",
                f"Processor seconds per order rose by about 40 % with {release}; egress and tokens did not.",
                "/debug",
                (*days, ("release", release)),
                "deploy-diff",
            ),
        ),
    )


def _losing_region(scenario: Scenario) -> _Story:
    days = _range(scenario, 0, scenario.options.days)
    return _Story(
        "losing-region",
        "A region that loses money",
        "Customers in one region are welcome and unprofitable: their videos leave uncompressed, across the sea.",
        (
            _Step(
                "Who loses",
                "In the segment table by region, sa-east-1 has a negative margin on good revenue.",
                "/executive",
                (*days, ("by", "region")),
                "segments",
            ),
            _Step(
                "What it is made of",
                "Open the row of sa-east-1: egress_bytes makes up most of its cost, in no other region.",
                "/executive",
                (*days, ("by", "region"), ("f", "region:sa-east-1")),
                "segments",
            ),
            _Step(
                "One order of it",
                "The receipt of the order that lost most names every byte and its price.",
                "/units/order",
                (*days, ("f", "region:sa-east-1")),
                "units",
            ),
        ),
    )


def _wrong_price(scenario: Scenario) -> _Story:
    begins = wrong_from(scenario.options)
    days = _range(scenario, scenario.options.days - 10, scenario.options.days)
    return _Story(
        "wrong-price",
        "A price book with a mistake",
        f"Cost per order jumped on {begins:%-d %B}, and nothing was deployed that day.",
        (
            _Step(
                "The jump",
                "Cost rises between one day and the next; units and usage go on as they were.",
                "/executive",
                (*days, ("compare", "previous")),
                "cost-trend",
            ),
            _Step(
                "What changed",
                "models@2 prices written tokens per 10,000 instead of per 1,000,000: a hundred times too high.",
                "/prices/models",
                (("tab", "diff"),),
                "price-diff",
            ),
            _Step(
                "The mend",
                "Roll back to version 1, with a reason and --reprice-past: every figure since is computed anew.",
                "/prices/models",
                (),
                "price-versions",
            ),
        ),
    )


def _failing_payments(scenario: Scenario) -> _Story:
    begin, end = (datetime.fromtimestamp(edge / 1000, tz=UTC) for edge in scenario.outage)
    around = (
        ("from", (begin - timedelta(hours=12)).strftime("%Y-%m-%dT%H:%MZ")),
        ("to", (end + timedelta(hours=8)).strftime("%Y-%m-%dT%H:%MZ")),
    )
    return _Story(
        "failing-payments",
        "A payment provider that fails",
        f"On {begin:%-d %B} from {begin:%H:%M} to {end:%H:%M} UTC most payments from ios failed.",
        (
            _Step(
                "When, and how much",
                "The success rate falls and revenue is lost by the minute. By channel, ios alone stands out.",
                "/oncall",
                (*around, ("by", "channel")),
                "losing-segments",
            ),
            _Step(
                "Which orders",
                "The failed attempts, their orders and whether a later attempt of the same intent came through.",
                "/debug",
                (*around, ("f", "channel:ios")),
                "failures",
            ),
        ),
    )
