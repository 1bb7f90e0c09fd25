"""PostgreSQL, as a backend team would do it. Enters: the event files. Leaves: the daily P&L in a table.

File by file: COPY the lines as jsonb into an unlogged staging table, then INSERT … ON CONFLICT (source, id) DO NOTHING
into a typed table, one transaction a file; then one GROUP BY joined to the dated prices fills `daily_pnl`. Numerics
throughout. A private server of this machine's PostgreSQL is started for it (which is not timed), with the memory
settings a team would give it and its durability left as it is.

It does not: notice conflicts (the first line stands, silently), keep what it dropped, validate beyond types, or
know late events, orphans, units or receipts; after late events daily_pnl has to be filled again.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from bench.peers.common import FIGURES, KEYS, METER_COLUMNS, Rate, fee_of, query_ms, rates_of, report, write_pnl
from bench.peers.postgres_programs import postgres_programs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

_SETTINGS = {
    "shared_buffers": "1GB",
    "work_mem": "128MB",
    "max_wal_size": "8GB",
    "timezone": "UTC",
}
_TEXTS = ("order_id", "user_id", "plan", "region", "channel", "release", "outcome", "resource")
_NUMBERS = ("amount", "discount", "refund", "commission", "tax", "cost", *METER_COLUMNS.values(), "latency_ms")
_BLOCK = 1 << 20
_SAMPLE_SECONDS = 0.2


class _Server:
    """A private server below `directory`; as root it runs as the user postgres, which PostgreSQL insists on."""

    def __init__(self, directory: Path, programs: Path) -> None:
        self._data, self._programs = directory.resolve() / "postgres", programs
        self._user = "postgres" if os.geteuid() == 0 else None
        # A socket's path may have 107 bytes at most, so it cannot lie in a deep directory.
        self._socket = Path(tempfile.mkdtemp(prefix="perunit-bench-"))
        self._data.mkdir()
        if self._user:
            account = pwd.getpwnam(self._user)
            os.chown(self._data, account.pw_uid, account.pw_gid)
            os.chown(self._socket, account.pw_uid, account.pw_gid)

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), *arguments]
        subprocess.run(command, check=True, user=self._user, cwd=self._socket, stdout=subprocess.DEVNULL)

    @contextmanager
    def running(self) -> Iterator[psycopg.Connection[Any]]:
        """A connection to the started server, which is stopped at the end."""
        self._run("initdb", "-D", str(self._data), "-A", "trust", "-U", "bench", "-E", "UTF8", "--locale=C")
        settings = " ".join(f"-c {name}={value}" for name, value in _SETTINGS.items())
        options = f"-k {self._socket} -c listen_addresses='' {settings}"
        log = str(self._data / "server.log")
        self._run("pg_ctl", "-D", str(self._data), "-w", "-l", log, "-o", options, "start")
        try:
            with psycopg.connect(
                host=str(self._socket), user="bench", dbname="postgres", autocommit=True
            ) as connection:
                yield connection
        finally:
            self._run("pg_ctl", "-D", str(self._data), "-w", "-m", "fast", "stop")
            shutil.rmtree(self._socket, ignore_errors=True)

    def pid(self) -> int:
        """The server's first process; all others are its children."""
        return int((self._data / "postmaster.pid").read_text(encoding="ascii").splitlines()[0])


class _PeakMemory:
    """Samples what the server's processes hold; memory they share counts once (Pss)."""

    def __init__(self, pid: int) -> None:
        self._pid, self._done = pid, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.bytes = 0

    def __enter__(self) -> _PeakMemory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(_SAMPLE_SECONDS):
            children = Path(f"/proc/{self._pid}/task/{self._pid}/children").read_text(encoding="ascii").split()
            self.bytes = max(self.bytes, sum(map(_pss, (str(self._pid), *children))))


def _pss(pid: str) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("Pss:"))


def _create(connection: psycopg.Connection[Any]) -> None:
    texts = ", ".join(f"{name} text" for name in _TEXTS)
    numbers = ", ".join(f"{name} numeric" for name in _NUMBERS)
    connection.execute("CREATE UNLOGGED TABLE staging (line jsonb NOT NULL)")
    connection.execute(
        "CREATE TABLE events (source text NOT NULL, id text NOT NULL, type text NOT NULL, time timestamp NOT NULL, "
        f"recordedtime timestamp NOT NULL, {texts}, {numbers}, PRIMARY KEY (source, id))"
    )
    sums = ", ".join(f"{name} numeric NOT NULL" for name in FIGURES[1:])
    connection.execute(
        "CREATE TABLE daily_pnl (day date, plan text, region text, channel text, release text, "
        f"orders bigint NOT NULL, {sums}, PRIMARY KEY ({', '.join(KEYS)}))"
    )


def _load(connection: psycopg.Connection[Any], path: Path) -> None:
    texts = ", ".join(f"line->'data'->>'{name}'" for name in _TEXTS)
    numbers = ", ".join(f"(line->'data'->>'{name}')::numeric" for name in _NUMBERS)
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute("TRUNCATE staging")
        # Quote and delimiter are bytes that JSON text never holds, so a line is one column as it stands.
        copying = "COPY staging FROM STDIN WITH (FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02')"
        with path.open("rb") as file, cursor.copy(copying) as copy:
            while block := file.read(_BLOCK):
                copy.write(block)
        cursor.execute(
            "INSERT INTO events SELECT line->>'source', line->>'id', line->>'type', (line->>'time')::timestamp, "
            f"(line->>'recordedtime')::timestamp, {texts}, {numbers} FROM staging ON CONFLICT (source, id) DO NOTHING"
        )


def _price(name: str, meter: str, rates: list[Rate], parameters: list[object]) -> str:
    """A join to the price of one meter in force at the event's time."""
    listed = [rate for rate in rates if rate.meter == meter]
    rows = ", ".join("(%s::text, %s::text, %s::timestamp, %s::timestamp, %s::numeric)" for _ in listed)
    for rate in listed:
        parameters += [rate.region, rate.plan, rate.begins, rate.ends, rate.unit_price]
    matched = [f"{name}.{key} = e.{key}" for key in ("region", "plan") if getattr(listed[0], key) is not None]
    return f"LEFT JOIN (VALUES {rows}) {name} (region, plan, begins, ends, unit_price) ON " + " AND ".join(
        [*matched, f"e.time >= {name}.begins", f"e.time < {name}.ends"]
    )


def _fill(connection: psycopg.Connection[Any], company: Path) -> None:
    rates, fee = rates_of(company), fee_of(company)
    parameters: list[object] = []
    joins: list[str] = []
    cost: list[str] = []
    revenue = ["coalesce(e.amount, 0)"]
    for meter, kind in dict.fromkeys((rate.meter, rate.kind) for rate in rates):
        name = f"price_of_{meter}"
        joins.append(_price(name, meter, rates, parameters))
        part = f"coalesce(e.{METER_COLUMNS[meter]} * {name}.unit_price, 0)"
        (cost if kind == "cost" else revenue).append(part)
    settled = "count(*) FILTER (WHERE e.type = 'payment.settled')"
    values: list[Decimal] = [fee.share, fee.fixed]
    connection.execute(
        "INSERT INTO daily_pnl SELECT e.time::date, e.plan, e.region, coalesce(e.channel, ''), e.release, "
        "count(*) FILTER (WHERE e.type = 'order.placed'), "
        f"sum({' + '.join(revenue)}), coalesce(sum(e.discount), 0), coalesce(sum(e.refund), 0), "
        f"coalesce(sum(e.commission), 0) + coalesce(sum(e.amount), 0) * %s::numeric + {settled} * %s::numeric, "
        f"coalesce(sum(e.cost), 0), sum({' + '.join(cost)}) "
        f"FROM events e {' '.join(joins)} GROUP BY 1, 2, 3, 4, 5",
        [*values, *parameters],
    )
    connection.execute("ANALYZE daily_pnl")


def main() -> None:
    """`COMPANY OUT`."""
    company, out = Path(sys.argv[1]), Path(sys.argv[2])
    programs = postgres_programs()
    if programs is None:
        raise SystemExit("no PostgreSQL server is installed")
    server = _Server(out, programs)
    before = time.time()
    with server.running() as connection:
        started = time.time()
        with _PeakMemory(server.pid()) as memory:
            _create(connection)
            for path in sorted((company / "events").glob("*.ndjson")):
                _load(connection, path)
            loaded = time.time()
            _fill(connection, company)
            ready_at = time.time()
        sums = ", ".join(f"sum({name})" for name in FIGURES)
        took = query_ms(
            lambda: connection.execute(f"SELECT day, plan, {sums} FROM daily_pnl GROUP BY day, plan").fetchall()
        )
        rows = connection.execute(f"SELECT {', '.join((*KEYS, *FIGURES))} FROM daily_pnl ORDER BY {', '.join(KEYS)}")
        write_pnl(out, rows.fetchall())
    report(
        ready_at,
        took,
        excluded_s=started - before,
        server_peak_mb=memory.bytes / 1_000_000,
        fill_s=round(ready_at - loaded, 2),
    )


if __name__ == "__main__":
    main()
