"""focus-converter on the same CUR: what a team would turn a bill into FOCUS with today.

It has pins of its own (polars, click, multimethod), so it lives in an environment of its own, made once below
bench/work. It writes FOCUS Parquet files; it keeps no versions, allocates nothing, and its costs are floats.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import duckdb

from bench.company import WORK

__all__ = ["converter"]

_PACKAGES = ("focus-converter==1.0.0", "multimethod<2", "click<8.2")
_SECONDS_MAX = 900


def converter() -> Path | None:
    """The command in its own environment, None where it cannot be installed."""
    home = WORK / "focus-converter"
    command = home / "bin" / "focus-converter"
    if command.exists():
        return command
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    if uv is None:
        return None
    try:
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(home)], check=True)
        subprocess.run(
            [uv, "pip", "install", "--quiet", "--python", str(home / "bin" / "python"), *_PACKAGES], check=True
        )
    except subprocess.CalledProcessError:
        shutil.rmtree(home, ignore_errors=True)
        return None
    return command


def main() -> None:
    """Converts a CUR; the last line says what came out."""
    bill, out = Path(sys.argv[1]), Path(sys.argv[2])
    command = converter()
    assert command is not None, "focus-converter cannot be installed"
    words = ["convert", "--provider", "aws-cur", "--data-format", "csv", "--data-path", str(bill)]
    words += ["--export-path", str(out), "--export-format", "parquet", "--no-export-include-source-columns"]
    shutil.rmtree(out, ignore_errors=True)
    subprocess.run([str(command), *words], check=True, capture_output=True, timeout=_SECONDS_MAX)
    lines, total = duckdb.sql(
        f"SELECT count(*), CAST(sum(CAST(BilledCost AS DECIMAL(38, 18))) AS VARCHAR) FROM '{out}/**/*.parquet'"
    ).fetchall()[0]
    print(json.dumps({"lines": lines, "sum": str(Decimal(total or 0))}))


if __name__ == "__main__":
    main()
