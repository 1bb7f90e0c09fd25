"""chDB (ClickHouse in the process), as a data engineer would do it. Enters: the event files. Leaves: the daily P&L.

`events` is a ReplacingMergeTree ordered by (source, id) whose version is highest for the line that came first;
`daily_pnl` is an AggregatingMergeTree filled from `events FINAL`, each meter joined to its price in force by ASOF
JOIN. Decimals throughout. The files are read by ClickHouse's own typed JSONEachRow reader.

It does not: notice conflicts (the first line stands, silently), keep what it dropped, validate beyond types, or
know late events, orphans, units or receipts; a file loaded twice is merged away, but a correction of daily_pnl after
late events means filling it again.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from chdb.session import Session

from bench.peers.common import FIGURES, KEYS, METER_COLUMNS, Rate, fee_of, query_ms, rates_of, report, write_pnl

if TYPE_CHECKING:
    from collections.abc import Iterator

_TEXTS = ("order_id", "user_id", "plan", "region", "channel", "release", "outcome", "resource")
_LOW = frozenset({"plan", "region", "channel", "release", "outcome", "resource"})
_MONEY = ("amount", "discount", "refund", "commission", "tax", "cost")
_DATA = {
    **{name: "LowCardinality(String)" if name in _LOW else "String" for name in _TEXTS},
    **dict.fromkeys(_MONEY, "Decimal(18, 4)"),
    **dict.fromkeys(("cpu_seconds", "latency_ms"), "Decimal(18, 3)"),
    **dict.fromkeys(("egress_bytes", "input_tokens", "output_tokens", "exports"), "Int64"),
}
_HEAD = {
    "id": "String",
    **dict.fromkeys(("source", "type"), "LowCardinality(String)"),
    **dict.fromkeys(("time", "recordedtime"), "DateTime64(3, 'UTC')"),
}
_READING = (
    "SETTINGS date_time_input_format = 'best_effort', input_format_skip_unknown_fields = 1, "
    "input_format_json_ignore_unknown_keys_in_named_tuple = 1, "
    "input_format_json_defaults_for_missing_elements_in_named_tuple = 1"
)
# A file's place times this, plus the line in it, is the order of arrival.
_LINES_MAX = 1_000_000_000_000
_EXACT = "Decimal(38, 18)"


def _text(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _load(session: Session, company: Path) -> None:
    columns = ", ".join(f"`{name}` {type_}" for name, type_ in {**_HEAD, **_DATA}.items())
    session.query(
        f"CREATE TABLE events ({columns}, version Int64) ENGINE = ReplacingMergeTree(version) ORDER BY (source, id)"
    )
    members = ", ".join(f"`{name}` {type_}" for name, type_ in _DATA.items())
    structure = ", ".join(f"`{name}` {type_}" for name, type_ in _HEAD.items()) + f", data Tuple({members})"
    for place, path in enumerate(sorted((company / "events").glob("*.ndjson"))):
        session.query(
            f"INSERT INTO events SELECT {', '.join(_HEAD)}, {', '.join(f'data.{name}' for name in _DATA)}, "
            f"-({place} * {_LINES_MAX} + CAST(_row_number AS Int64)) "
            f"FROM file({_text(str(path.resolve()))}, 'JSONEachRow', {_text(structure)}) {_READING}"
        )


def _load_prices(session: Session, rates: list[Rate]) -> None:
    session.query(
        "CREATE TABLE prices (kind String, meter String, region String, plan String, begins DateTime64(3, 'UTC'), "
        "unit_price Decimal(38, 15)) ENGINE = Memory"
    )
    # ASOF JOIN finds the latest beginning; the books have no gaps.
    rows = ", ".join(
        f"({_text(rate.kind)}, {_text(rate.meter)}, {_text(rate.region or '')}, {_text(rate.plan or '')}, "
        f"'{rate.begins:%Y-%m-%d %H:%M:%S}.{rate.begins.microsecond // 1000:03d}', '{rate.unit_price:f}')"
        for rate in rates
    )
    session.query(f"INSERT INTO prices VALUES {rows}")


def _priced(meter: str, kind: str, rates: list[Rate]) -> str:
    """One meter's cost or revenue per day and segment, as rows of the P&L with all other figures 0."""
    column = METER_COLUMNS[meter]
    listed = [rate for rate in rates if rate.meter == meter and rate.kind == kind]
    on = [name for name in ("region", "plan") if getattr(listed[0], name) is not None]
    figure = "usage_cost" if kind == "cost" else "gross_revenue"
    columns = ", ".join(
        f"CAST(sum(CAST(e.{column}, 'Decimal(38, 3)') * p.unit_price), '{_EXACT}')" if name == figure else _zero(name)
        for name in FIGURES
    )
    segments = ", ".join(f"e.{name}" for name in KEYS[1:])
    return (
        f"SELECT toDate(e.time) AS day, {segments}, {columns} "
        f"FROM (SELECT *, 'all' AS joint FROM events FINAL WHERE {column} <> 0) e "
        f"ASOF JOIN (SELECT *, 'all' AS joint FROM prices WHERE meter = {_text(meter)} AND kind = {_text(kind)}) p "
        f"ON e.joint = p.joint {''.join(f'AND e.{name} = p.{name} ' for name in on)}AND e.time >= p.begins "
        f"GROUP BY day, {segments}"
    )


def _zero(figure: str) -> str:
    return "CAST(0, 'UInt64')" if figure == "orders" else f"CAST(0, '{_EXACT}')"


def _fill(session: Session, company: Path) -> None:
    rates, fee = rates_of(company), fee_of(company)
    _load_prices(session, rates)
    sums = ", ".join(f"{name} SimpleAggregateFunction(sum, {_EXACT})" for name in FIGURES[1:])
    session.query(
        "CREATE TABLE daily_pnl (day Date, plan String, region String, channel String, release String, "
        f"orders SimpleAggregateFunction(sum, UInt64), {sums}) "
        f"ENGINE = AggregatingMergeTree ORDER BY ({', '.join(KEYS)})"
    )

    def exact(sql: str) -> str:
        return f"CAST({sql}, '{_EXACT}')"

    fees = (
        f"{exact('sum(commission)')} + {exact('sum(amount)')} * CAST('{fee.share:f}', 'Decimal(9, 6)') "
        f"+ {exact(chr(39) + format(fee.fixed, 'f') + chr(39))} * countIf(type = 'payment.settled')"
    )
    session.query(
        f"INSERT INTO daily_pnl SELECT toDate(time) AS day, {', '.join(KEYS[1:])}, countIf(type = 'order.placed'), "
        f"{exact('sum(amount)')}, {exact('sum(discount)')}, {exact('sum(refund)')}, {exact(fees)}, "
        f"{exact('sum(cost)')}, {_zero('usage_cost')} FROM events FINAL GROUP BY {', '.join(KEYS)}"
    )
    for meter, kind in dict.fromkeys((rate.meter, rate.kind) for rate in rates):
        session.query(f"INSERT INTO daily_pnl {_priced(meter, kind, rates)}")


def _rows(session: Session) -> Iterator[list[str]]:
    sums = ", ".join(f"toString(sum({name}))" for name in FIGURES)
    answer = session.query(
        f"SELECT {', '.join(KEYS)}, {sums} FROM daily_pnl GROUP BY {', '.join(KEYS)} ORDER BY {', '.join(KEYS)}", "TSV"
    )
    for line in str(answer).splitlines():
        yield line.split("\t")


def main() -> None:
    """`COMPANY OUT`."""
    company, out = Path(sys.argv[1]), Path(sys.argv[2])
    session = Session(str(out / "chdb"))
    _load(session, company)
    _fill(session, company)
    ready_at = time.time()
    sums = ", ".join(f"sum({name})" for name in FIGURES)
    took = query_ms(lambda: session.query(f"SELECT day, plan, {sums} FROM daily_pnl GROUP BY day, plan", "TSV"))
    write_pnl(out, _rows(session))
    session.close()
    report(ready_at, took)


if __name__ == "__main__":
    main()
