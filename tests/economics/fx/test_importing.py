"""Reference files of the European Central Bank: taken whole or not at all, and never twice."""

from __future__ import annotations

import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from perunit.economics.fx import FxImport, import_rates
from perunit.economics.fx.rates import FxRates
from perunit.engine.duckdb import Engine
from perunit.engine.files import sql_text
from perunit.model.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

SAMPLE = Path(__file__).parents[4] / "shared" / "data" / "fx-ecb" / "eurofxref-hist.zip"
HISTORY = "Date,USD,JPY,BGN,\n2026-05-08,1.1,160.5,N/A,\n2026-05-07,1.2,N/A,1.9558,\n"


@pytest.fixture
def engine() -> Engine:
    """An empty store."""
    engine = Engine(threads=1)
    engine.execute(sql_text("store", "schema"))
    return engine


@pytest.fixture
def take(engine: Engine, tmp_path: Path) -> Callable[..., FxImport]:
    """Imports a text as a file, on a day in June."""

    def take(text: str, day: int = 1) -> FxImport:
        path = tmp_path / "eurofxref.csv"
        path.write_text(text, encoding="utf-8")
        return import_rates(engine, path, lambda: datetime(2026, 6, day, tzinfo=UTC))

    return take


def kept(engine: Engine) -> list[tuple[object, ...]]:
    """The rates in force."""
    return engine.rows("SELECT quote, day, rate FROM fx_rates WHERE superseded_at IS NULL ORDER BY day, quote")


def test_a_day_without_a_rate_is_left_out(engine: Engine, take: Callable[..., FxImport]) -> None:
    """N/A is no rate, the empty column at the end no currency, and a code that ISO has withdrawn is told."""
    found = take(HISTORY)
    assert (found.days, found.added, found.revised, found.passed_over) == (2, 3, 0, ("BGN",))
    assert kept(engine) == [
        ("USD", date(2026, 5, 7), Decimal("1.2")),
        ("JPY", date(2026, 5, 8), Decimal("160.5")),
        ("USD", date(2026, 5, 8), Decimal("1.1")),
    ]


def test_the_same_again_changes_nothing_and_a_revision_keeps_the_old(
    engine: Engine, take: Callable[..., FxImport]
) -> None:
    """The revised value is in force from when it came; the one before is still there for the past."""
    take(HISTORY)
    again = take(HISTORY, 2)
    assert (again.added, again.revised, again.unchanged) == (0, 0, 3)
    revised = take(HISTORY.replace("160.5", "161"), 3)
    assert (revised.added, revised.revised, revised.revised_days) == (0, 1, 1)
    assert engine.rows("SELECT rate, superseded_at FROM fx_rates WHERE quote = 'JPY' ORDER BY loaded_at") == [
        (Decimal("160.5"), datetime(2026, 6, 3)),  # noqa: DTZ001 - as the store keeps it
        (Decimal(161), None),
    ]


def test_the_daily_file_spells_its_day(engine: Engine, take: Callable[..., FxImport]) -> None:
    """``30 October 2026`` is a day too."""
    take("Date, USD, \n30 October 2026, 1.1172, \n")
    assert kept(engine) == [("USD", date(2026, 10, 30), Decimal("1.1172"))]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "must be Date and then currency codes"),
        ("Day;USD\n2026-05-08;1\n", "must be Date and then currency codes"),
        ("Date,USD\n", "has no day"),
        ("Date,USD,USD\n2026-05-08,1,1\n", "stands twice"),
        ("Date,USD\n2026-05-08,1\n2026-05-08,2\n", "2026-05-08: stands twice"),
        ("Date,USD\n2026-13-08,1\n", "must be a day"),
        ("Date,USD\n2026-05-08,one\n", "got 'USD one', must be a number"),
        ("Date,USD\n2026-05-08,-1\n", "must be a number"),
        ("Date,USD\n2026-05-08,0\n", "must be above 0"),
        ("Date,USD,GBP\n2026-05-08,1\n", "line 2: has 2 cells, must have 3"),
    ],
)
def test_a_broken_file_is_refused_and_changes_nothing(
    engine: Engine, take: Callable[..., FxImport], text: str, said: str
) -> None:
    """The message names the place, the value and the rule; what was there stays."""
    take(HISTORY)
    before = kept(engine)
    with pytest.raises(InputError, match=said):
        take(text, 2)
    assert kept(engine) == before


def test_a_cut_archive_is_refused(engine: Engine, tmp_path: Path) -> None:
    """A zip file that ends early is no rates."""
    path = tmp_path / "cut.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("eurofxref-hist.csv", HISTORY * 50)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(InputError, match=r"cannot be read|must be Date"):
        import_rates(engine, path, lambda: datetime(2026, 6, 1, tzinfo=UTC))
    assert kept(engine) == []


@pytest.mark.skipif(not SAMPLE.exists(), reason="the sample of ECB rates is not here")
def test_the_banks_whole_history_is_read(engine: Engine) -> None:
    """7,126 days, and the control values of its first and last day."""
    found = import_rates(engine, SAMPLE, lambda: datetime(2026, 11, 1, tzinfo=UTC))
    assert found.days == 7126
    rates = FxRates(engine, "USD", 7)
    assert [rates.of("EUR", day).rate for day in (date(2026, 10, 30), date(1999, 1, 4))] == [  # type: ignore[union-attr]
        Decimal("1.1172"),
        Decimal("1.1789"),
    ]
