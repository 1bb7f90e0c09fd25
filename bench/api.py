"""How long the API takes to answer what dashboards ask.

    python -m bench.api --events 10000000

Enters: how many events of the simulated company. Leaves: a table, and as its last line JSON: milliseconds, p50 and p95,
of each dashboard in one POST, and of every one of its questions and other pages by themselves. *Cold* is an answer that
is read from the store, *warm* one that has been given before; answers go cold whenever figures change.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from bench.company import WORK, prepared
from bench.dashboards import dashboards
from bench.measure import percentile, run
from bench.served import served
from bench.stream import taken_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import urllib3

    from bench.company import Company

_END = datetime(2026, 10, 1, tzinfo=UTC)
_LIMIT = 9_000
# More would be too much text for many a disk, and too much for one month of a company.
_AT_ONCE_MAX = 20_000_000
_DAYS = 300


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.api", description=__doc__)
    parser.add_argument("--events", type=int, default=10_000_000, metavar="N", help="unique events (10,000,000)")
    parser.add_argument("--rounds", type=int, default=20, metavar="K", help="how often each is asked (20)")
    parser.add_argument("--project", type=Path, help="this project, which has its data, instead of a simulated one")
    parser.add_argument("--keep", action="store_true", help="keep the project in bench/work")
    return parser.parse_args(arguments)


@contextmanager
def _project(options: argparse.Namespace) -> Iterator[Path]:
    """The company's project with everything taken in."""
    if options.project:
        yield options.project
        return
    project = WORK / f"api-{options.events}"
    try:
        if options.events > _AT_ONCE_MAX:
            shutil.rmtree(project, ignore_errors=True)
            project.mkdir(parents=True)
            taken_in(project, options.events, _DAYS)
        else:
            company = prepared(options.events)
            _taken_in(company, company.project_at(project))
        yield project
    finally:
        if not options.keep:
            shutil.rmtree(project, ignore_errors=True)


def _taken_in(company: Company, project: Path) -> None:
    perunit = [sys.executable, "-m", "perunit.faces.cli.main", "-C", str(project), "--json"]
    run([*perunit, "ingest", str(company.directory / "events")])
    for bill in company.bills:
        run([*perunit, "bills", "import", str(bill)])


class Asker:
    """Asks, and notes how long each answer took."""

    def __init__(self, pool: urllib3.HTTPConnectionPool) -> None:
        self._pool = pool

    def get(self, path: str, **parameters: Any) -> tuple[float, Any]:
        """Milliseconds and the answer of a GET."""
        query = urlencode({name.rstrip("_"): value for name, value in parameters.items()}, doseq=True)
        return self._timed("GET", f"/api/v1{path}?{query}", None)

    def post(self, body: dict[str, Any]) -> tuple[float, Any]:
        """Milliseconds and the answers of a dashboard."""
        took, answer = self._timed("POST", "/api/v1/queries", json.dumps(body).encode())
        refused = [each["problem"]["detail"] for each in answer["results"] if "problem" in each]
        if refused:
            raise RuntimeError(f"refused: {refused}")
        return took, answer

    def _timed(self, method: str, path: str, body: bytes | None) -> tuple[float, Any]:
        headers = {"content-type": "application/json"} if body else {}
        began = time.perf_counter()
        answer = self._pool.request(method, path, body=body, headers=headers)
        took = (time.perf_counter() - began) * 1000
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status} {answer.data[:300]!r}")
        return took, answer.json()


def _limited(question: dict[str, Any], number: int) -> dict[str, Any]:
    """The same question in other words, so that no answer to it is kept."""
    return question | {"limit": question.get("limit", _LIMIT) + number}


def of_dashboards(asker: Asker, rounds: int) -> dict[str, Any]:
    """Each dashboard in one POST, cold and warm, and its questions one by one."""
    found: dict[str, Any] = {}
    for name, body in dashboards(_END).items():
        cold = [
            asker.post({"queries": [_limited(each, number) for each in body["queries"]]})[0] for number in range(rounds)
        ]
        asker.post(body)
        warm = [asker.post(body)[0] for _ in range(rounds)]
        single = [
            asker.post({"queries": [_limited(each, rounds + number)]})[0]
            for number in range(rounds)
            for each in body["queries"]
        ]
        found[name] = {"cold": _told(cold), "warm": _told(warm), "question": _told(single)}
    return found


def of_pages(asker: Asker, rounds: int) -> dict[str, Any]:
    """What other pages ask, each cold: no two questions are the same."""
    _, listing = asker.get("/units/order", limit=500, order="id")
    ids = [unit["id"] for unit in listing["units"]]
    month, week = {"from_": "2026-09-01", "to": "2026-10-01"}, {"from_": "2026-09-24", "to": "2026-10-01"}
    pages: dict[str, Callable[[int], tuple[float, Any]]] = {
        "units of all time": lambda number: asker.get("/units/order", limit=50 + number),
        "units of a week": lambda number: asker.get("/units/order", limit=50 + number, **week),
        "units of a region": lambda number: asker.get("/units/order", limit=50 + number, filter="region:eu-west-1"),
        "receipt": lambda number: asker.get(f"/units/order/{quote(ids[number % len(ids)], safe='')}"),
        "failures": lambda number: asker.get("/failures", limit=50 + number),
        "explain": lambda number: asker.get("/explain", measure="contribution_margin", limit=1 + number, **month),
        "bridge": lambda number: asker.get(
            "/bridge", mix="region", from_="2026-09-16", to=f"2026-09-{18 + number % 12:02}"
        ),
    }
    return {name: _told([ask(number)[0] for number in range(rounds)]) for name, ask in pages.items()}


def _told(took: list[float]) -> dict[str, float]:
    return {"p50": round(percentile(took, 50), 1), "p95": round(percentile(took, 95), 1)}


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    """All figures."""
    options = _options(arguments)
    with _project(options) as project, served(project) as pool:
        asker = Asker(pool)
        _, counted = asker.get("/query", measure="events")
        found: dict[str, Any] = {"events": counted["rows"][0]["events"], "rounds": options.rounds}
        found["dashboards"] = of_dashboards(asker, options.rounds)
        found["pages"] = of_pages(asker, options.rounds)
    return found


def shown(found: dict[str, Any]) -> str:
    """The figures as a table."""
    lines = [f"{found['events']:,} events, milliseconds", f"{'':<28}{'p50':>9}{'p95':>9}"]
    for name, parts in found["dashboards"].items():
        lines += [f"{f'{name}, {kind}':<28}{took['p50']:>9,}{took['p95']:>9,}" for kind, took in parts.items()]
    lines += [f"{name:<28}{took['p50']:>9,}{took['p95']:>9,}" for name, took in found["pages"].items()]
    return "\n".join(lines)


if __name__ == "__main__":
    figures = main()
    print(shown(figures))
    print(json.dumps(figures))
