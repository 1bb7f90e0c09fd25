"""Whatever is changed through the API stands in the audit, with who did it, before it is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from perunit.store.control.models import AuditEntry

from .workplace import office

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .conftest import Running


@pytest.fixture(scope="module")
def desk(studio: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The company, of which much is decided."""
    with office(studio, tmp_path_factory.mktemp("audit")) as found:
        yield found


def actions(desk: Running) -> list[tuple[str, str]]:
    """Who did what, but for what was only asked."""
    with desk.service.control.reading() as session:
        rows = session.execute(select(AuditEntry.actor, AuditEntry.action).order_by(AuditEntry.seq)).all()
    return [(actor, action) for actor, action in rows if action not in {"query", "explain", "receipt"}]


def changed(desk: Running, method: str, path: str, status: int, **body: Any) -> Any:
    """The body of a change that went as expected."""
    answer = desk.send(method, f"/api/v1{path}", body=body or None)
    assert answer.status == status, answer.body
    return answer.body


def test_every_change_is_written_down(desk: Running) -> None:
    """In the order they were asked for; where one was begun and refused, that too."""
    invoice = desk.get("/reconciliation", period="2026-09")["invoices"][0]["invoice_id"]
    entry = {"invoice": invoice, "reason": "x"}
    changed(desk, "POST", "/reconciliation/entries", 400, kind="adjust", **entry)
    changed(desk, "POST", "/reconciliation/entries", 201, kind="adjust", amount="1", **entry)
    made = changed(desk, "POST", "/reconciliation/entries", 201, kind="accept", **entry)
    changed(desk, "POST", "/reconciliation/locks", 201, period="2026-09", reason="month-end")
    changed(desk, "DELETE", f"/reconciliation/entries/{made['entry']['entry_id']}", 200, reason="x")
    text = desk.get("/prices/cloud")["versions"][0]["content"].replace("0.0475", "0.0575")
    changed(desk, "POST", "/prices/cloud/drafts", 200, text=text)
    changed(desk, "POST", "/prices/cloud/approve", 409, draft="cloud.yaml", reason="x")
    changed(desk, "POST", "/prices/cloud/approve", 201, draft="cloud.yaml", reason="x", reprice_past=True)
    changed(desk, "POST", "/prices/cloud/rollback", 201, to=1, reason="x", reprice_past=True)
    changed(desk, "POST", "/quarantine/replay", 200, kind="conflict", reason="x")
    noted = changed(desk, "POST", "/annotations", 201, kind="note", title="a sale")
    changed(desk, "DELETE", f"/annotations/{noted['id']}", 204)
    view = changed(desk, "POST", "/views", 201, name="mine", page="/executive", state="", shared=False)
    changed(desk, "DELETE", f"/views/{view['id']}", 204)
    said = actions(desk)
    assert {actor for actor, _ in said} == {"owner"}
    assert [action for _, action in said] == [
        *("reconcile_adjust", "reconcile_accept", "reconcile_lock", "reconcile_reverse"),
        # Once asked for, once refused, because it would have changed past prices; then again.
        *("price_draft", "price_approve", "price_approve", "price_approve", "price_rollback", "quarantine_replay"),
        *("annotation_create", "annotation_delete", "view_save", "view_delete"),
    ]
