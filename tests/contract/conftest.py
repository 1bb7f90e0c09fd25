"""A small sound project, and a way to break it: every test starts from files that check as fine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

Write = Callable[..., Path]

CONTRACT = """\
version: 1
currency: USD
units:
  order: {owner: checkout, key: order_id, parent: user, segments: [plan, region]}
  user: {owner: growth, key: user_id}
meters:
  cpu_seconds: {unit: s}
  api_calls: {unit: "{call}"}
sources:
  shop:
    format: csv
    event:
      id: id
      time: time
      type: "case when kind = 'r' then 'order.refunded' else 'order.completed' end"
      units: {order: order_id, user: user_id}
      segments: {region: country, plan: plan}
      amounts: {revenue: price * quantity}
      usage: {cpu_seconds: cpu, api_calls: calls}
"""


@pytest.fixture
def project(tmp_path: Path) -> Write:
    """Writes files below a fresh directory; ``perunit.yaml`` is the sound contract unless given.

    `files` maps a path, with ``/`` written as ``__`` and ``.`` as ``_dot_`` where needed, to its text.
    """

    def write(contract: str = CONTRACT, /, **files: str) -> Path:
        (tmp_path / "perunit.yaml").write_text(dedent(contract), encoding="utf-8")
        for name, text in files.items():
            path = tmp_path / name.replace("__", "/").replace("_dot_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(text), encoding="utf-8")
        return tmp_path

    return write
