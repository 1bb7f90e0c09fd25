"""What measures would have been under other price books. Enters: a question, price books with a draft among them.
Leaves: the same question answered twice, as stored and as replayed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from perunit.economics.price.replay import replayed
from perunit.measures.query import Query, Result, run_query
from perunit.model.money import exact, plain

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal

    from perunit.contract.prices import PriceBook
    from perunit.contract.shape import Contract
    from perunit.engine.duckdb import Engine
    from perunit.model.window import Window

__all__ = ["MEASURES", "Preview", "PreviewRow", "preview"]

MEASURES = ("revenue", "variable_cost", "contribution_margin")


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """One segment (`values` by dimension) with each measure before and after; None is unknown."""

    values: dict[str, str | None]
    before: dict[str, Decimal | None]
    after: dict[str, Decimal | None]

    def change(self, measure: str) -> Decimal | None:
        """After less before; unknown where either is."""
        before, after = self.before[measure], self.after[measure]
        if before is None or after is None:
            return None
        with exact():
            return after - before

    def as_json(self) -> dict[str, Any]:
        """Plain values: decimals as exact text."""
        said: dict[str, Any] = dict(self.values)
        for measure in MEASURES:
            sides = {"before": self.before[measure], "after": self.after[measure], "change": self.change(measure)}
            said[measure] = {name: None if value is None else plain(value) for name, value in sides.items()}
        return said


@dataclass(frozen=True, slots=True)
class Preview:
    """The answer in total and by segment; `unpriced` counts usage facts without a price before and after."""

    unit: str
    currency: str
    total: PreviewRow
    rows: tuple[PreviewRow, ...]
    unpriced: tuple[int, int]


def preview(
    engine: Engine,
    contract: Contract,
    books: tuple[PriceBook, ...],
    now: datetime,
    *,
    window: Window,
    unit: str | None = None,
    by: tuple[str, ...] = (),
    rates_of: datetime | None = None,
) -> Preview:
    """Revenue, variable cost and contribution margin of `window`, before and under `books`.

    Amounts that rest on bills do not change. Nothing stored changes. Raises UsageError as a query would.
    """
    questions = [Query((*MEASURES, "unpriced_usage"), unit=unit, by=dims, window=window) for dims in {(), by}]
    stored = {question.by: run_query(engine, contract, question) for question in questions}
    with replayed(engine, contract, books, now, window, rates_of=rates_of):
        anew = {question.by: run_query(engine, contract, question) for question in questions}
    (total,) = _rows((), stored[()], anew[()]) or (_NOTHING,)
    counts = [sum(row.values["unpriced_usage"] or 0 for row in side[()].rows) for side in (stored, anew)]
    rows = _rows(by, stored[by], anew[by]) if by else ()
    return Preview(stored[()].unit, stored[()].currency, total, rows, (counts[0], counts[1]))


_NOTHING = PreviewRow({}, dict.fromkeys(MEASURES), dict.fromkeys(MEASURES))


def _rows(by: tuple[str, ...], stored: Result, anew: Result) -> tuple[PreviewRow, ...]:
    sides = [{tuple(row.values[name] for name in by): row.values for row in result.rows} for result in (stored, anew)]
    keys = list(dict.fromkeys([*sides[0], *sides[1]]))
    return tuple(
        PreviewRow(
            dict(zip(by, key, strict=True)),
            *({name: side.get(key, {}).get(name) for name in MEASURES} for side in sides),
        )
        for key in keys
    )
