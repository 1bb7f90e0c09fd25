"""Finds the rate in force for everything that has a price. Enters: price books, usage per window and cell.
Leaves: the temporary tables `rate_card` (one row a cell, meter, period and kind) and `card_wide` (one row a cell
and period), from which rollups and single events are priced alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from perunit.economics.price.adjust import adjust, held_sql
from perunit.engine.duckdb import identifier, literal
from perunit.engine.files import sql_text

if TYPE_CHECKING:
    from perunit.contract.shape import Contract
    from perunit.engine.duckdb import Engine

__all__ = ["Card", "build_card", "scope_meters"]

# What the books in force say; not what adjustments have made of it.
_IN_FORCE = (
    "SELECT r.* FROM rates r JOIN price_books b USING (book, version) "
    "WHERE b.withdrawn_at IS NULL AND r.base_rate_id IS NULL"
)


@dataclass(frozen=True, slots=True)
class Card:
    """What the card holds: (kind, meter) pairs with a rate, whether any rate names a resource, and the meters that
    should have a price and somewhere have none.
    """

    pairs: tuple[tuple[str, str], ...]
    by_resource: bool
    unpriced_meters: tuple[str, ...]

    def column(self, kind: str, meter: str) -> str:
        """The column of `card_wide` with the unit price of a pair."""
        return identifier(f"{kind}:{meter}")

    def join_sql(self) -> str:
        """How an event `e` of a cell `c` finds its row `w` of `card_wide`."""
        resource = f" AND w.resource IS NOT DISTINCT FROM {_priced_resource('e')}" if self.by_resource else ""
        return (
            "LEFT JOIN card_wide w ON w.cell_id = c.shown_cell_id "
            f"AND e.event_time >= w.period_start AND e.event_time < w.period_end{resource}"
        )

    def amount_sql(self, kind: str) -> str:
        """SQL of what the rates of a kind make of an event `e`; null where no rate applies."""
        terms = [self._term(kind, meter) for found, meter in self.pairs if found == kind]
        if not terms:
            return "CAST(NULL AS DECIMAL(38, 24))"
        if len(terms) == 1:
            return terms[0]
        known = " OR ".join(f"{term} IS NOT NULL" for term in terms)
        return f"CASE WHEN {known} THEN {' + '.join(f'coalesce({term}, 0)' for term in terms)} END"

    def _term(self, kind: str, meter: str) -> str:
        price = f"w.{self.column(kind, meter)}"
        if meter == "@events":
            return f"CAST({price} AS DECIMAL(38, 24))"
        if meter.startswith("@"):
            return f"e.{identifier(meter[1:])} * CAST({price} AS DECIMAL(38, 12))"
        return f"e.{identifier(f'usage_{meter}')} * {price}"

    def unpriced_sql(self) -> str:
        """SQL of how many meters of an event `e` should have a price and have none."""
        tests = []
        for meter in self.unpriced_meters:
            prices = [f"w.{self.column(kind, found)} IS NULL" for kind, found in self.pairs if found == meter]
            missing = " AND ".join([f"e.{identifier(f'usage_{meter}')} IS NOT NULL", *prices])
            tests.append(f"CASE WHEN {missing} THEN 1 ELSE 0 END")
        return " + ".join(tests) or "0"


# Meters of the scope that should have a price and somewhere have none; mostly none, and then nothing is tested.
_UNPRICED = (
    "SELECT DISTINCT u.meter FROM scope_meters u JOIN priced_meters USING (meter) WHERE NOT EXISTS (SELECT 1 FROM "
    "rate_card r WHERE r.cell_id = u.cell_id AND r.meter = u.meter "
    "AND r.resource IS NOT DISTINCT FROM u.priced_resource "
    "AND u.window_start >= r.period_start AND u.window_start < r.period_end) ORDER BY u.meter"
)


def scope_meters(engine: Engine) -> None:
    """Makes `scope_meters` from `fresh_usage` and `fresh_rollup`: all that a rate can be multiplied with."""
    engine.execute(f"CREATE OR REPLACE TEMP TABLE rates_in_force AS {_IN_FORCE}")
    fees = engine.rows("SELECT DISTINCT meter, event_type FROM rates_in_force WHERE kind = 'fee' ORDER BY ALL")
    parts = [
        f"SELECT window_start, cell_id, meter, resource, {_priced_resource('u')} AS priced_resource, usage_events, "
        "CAST(quantity AS DECIMAL(38, 12)) AS quantity FROM fresh_usage u"
    ]
    for meter, event_type in fees:
        column = "events" if meter == "@events" else identifier(meter[1:])
        parts.append(
            f"SELECT window_start, cell_id, {literal(meter)}, NULL, NULL, events, CAST({column} AS DECIMAL(38, 12)) "
            f"FROM fresh_rollup r JOIN cells c USING (cell_id) WHERE c.event_type = {literal(event_type)} "
            f"AND {column} IS NOT NULL AND r.events > 0"
        )
    engine.execute(f"CREATE OR REPLACE TEMP TABLE scope_meters AS {' UNION ALL '.join(parts)}")


def _priced_resource(alias: str) -> str:
    named = "SELECT map_extract_value(conditions, 'resource') FROM rates_in_force"
    return (
        f"CASE WHEN {alias}.resource IN ({named} WHERE map_contains(conditions, 'resource')) THEN {alias}.resource END"
    )


def build_card(engine: Engine, contract: Contract) -> Card:
    """Makes `rate_card` and `card_wide` for the cells, meters and times in `scope_meters`."""
    meters = tuple(m for m in contract.meter_names() if m not in contract.meters or contract.meters[m].priced)
    listed = ", ".join(f"({literal(meter)})" for meter in meters)
    empty = "SELECT NULL::VARCHAR AS meter WHERE false"
    source = f"SELECT * FROM (VALUES {listed}) AS t(meter)" if meters else empty
    engine.execute(f"CREATE OR REPLACE TEMP TABLE priced_meters AS {source}")
    engine.execute(
        "CREATE OR REPLACE TEMP TABLE price_periods AS SELECT period_start, "
        "coalesce(lead(period_start) OVER (ORDER BY period_start), TIMESTAMP '9999-12-31') AS period_end "
        "FROM (SELECT effective_from AS period_start FROM rates_in_force "
        "UNION SELECT effective_to FROM rates_in_force WHERE effective_to IS NOT NULL) "
        "QUALIFY period_end > (SELECT min(window_start) FROM scope_meters) "
        "AND period_start <= (SELECT max(window_start) FROM scope_meters)"
    )
    engine.execute(
        "CREATE OR REPLACE TEMP TABLE card_candidates AS "
        "SELECT k.cell_id, k.meter, k.resource, r.kind, r.rate_id, r.unit_price, r.currency, r.effective_from, "
        "r.effective_to, cardinality(r.conditions) AS conditions_held "
        "FROM (SELECT DISTINCT cell_id, meter, priced_resource AS resource FROM scope_meters) k "
        "JOIN cells c ON c.cell_id = k.cell_id "
        "JOIN rates_in_force r ON r.meter = k.meter AND (r.event_type IS NULL OR r.event_type = c.event_type) "
        f"AND r.kind <> 'adjustment' AND {held_sql(contract, 'r', 'k')}"
    )
    engine.execute(f"CREATE OR REPLACE TEMP TABLE rate_card AS {sql_text('economics.price', 'rate_card')}")
    adjust(engine, contract)
    pairs = tuple(engine.rows("SELECT DISTINCT kind, meter FROM rate_card ORDER BY ALL"))
    unpriced = tuple(meter for (meter,) in engine.rows(_UNPRICED))
    by_resource = bool(engine.value("SELECT count(*) FROM rate_card WHERE resource IS NOT NULL"))
    card = Card(pairs, by_resource, unpriced)
    prices = "".join(
        f", max(unit_price) FILTER (WHERE kind = {literal(kind)} AND meter = {literal(meter)}) "
        f"AS {card.column(kind, meter)}"
        for kind, meter in pairs
    )
    engine.execute(
        f"CREATE OR REPLACE TEMP TABLE card_wide AS SELECT cell_id, resource, period_start, period_end{prices} "
        "FROM rate_card GROUP BY ALL"
    )
    return card
