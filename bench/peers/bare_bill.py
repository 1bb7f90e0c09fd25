"""Bare DuckDB on a bill: the yardstick. Enters: the same CUR. Leaves: a typed table in a file, and its sums.

It reads the columns a bill needs into a typed table and sums by service, account and day. It checks nothing, knows no
version, and allocates nothing.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import duckdb

_COLUMNS = {
    '"bill/PayerAccountId"': "VARCHAR",
    '"lineItem/UsageAccountId"': "VARCHAR",
    '"lineItem/LineItemType"': "VARCHAR",
    '"product/ProductName"': "VARCHAR",
    '"lineItem/ResourceId"': "VARCHAR",
    '"resourceTags/user:app"': "VARCHAR",
    '"resourceTags/user:order"': "VARCHAR",
    '"lineItem/UsageStartDate"': "TIMESTAMP",
    '"lineItem/UsageEndDate"': "TIMESTAMP",
    '"lineItem/UsageAmount"': "DECIMAL(18, 9)",
    '"lineItem/UnblendedCost"': "DECIMAL(38, 18)",
}


def main() -> None:
    """Reads and sums; the last line says what the lines come to."""
    bill, database = Path(sys.argv[1]), Path(sys.argv[2])
    database.unlink(missing_ok=True)
    connection = duckdb.connect(str(database))
    typed = ", ".join(f"CAST({name} AS {kind}) AS {name}" for name, kind in _COLUMNS.items())
    connection.execute(f"CREATE TABLE lines AS SELECT {typed} FROM read_csv('{bill}', all_varchar = true)")
    connection.execute(
        'CREATE TABLE sums AS SELECT "product/ProductName", "lineItem/UsageAccountId", '
        '"lineItem/UsageStartDate"::DATE AS day, sum("lineItem/UnblendedCost") AS cost FROM lines GROUP BY ALL'
    )
    total = connection.execute('SELECT count(*), sum("lineItem/UnblendedCost") FROM lines').fetchone()
    assert total is not None
    connection.close()
    print(json.dumps({"lines": total[0], "sum": str(total[1])}))


if __name__ == "__main__":
    main()
