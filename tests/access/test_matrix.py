"""Roles × operations: every operation of the API has a decision, and each role is let in or refused as it says."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from tests.faces.serving import HTTP, Served, in_process, listening

from perunit.access.keys import make_key
from perunit.access.permit import OWNER, ROLES, Permission, Role, Viewer
from perunit.faces.api.body import Limits
from perunit.faces.cli.init import write_project
from perunit.measures.catalogue import MEASURES
from perunit.measures.permitted import permission_of
from perunit.model.window import system_clock

if TYPE_CHECKING:
    from collections.abc import Iterator

P = Permission
METHODS = ("get", "post", "put", "patch", "delete")
# Whoever comes: it says who is there, or lets somebody in.
PUBLIC = {"readSession", "signIn", "signOut", "signInByTicket", "setUp", "startOidc", "finishOidc"}
# Whoever is known; what they see is cut to what they may.
ANYBODY: tuple[Permission, ...] = ()
DECIDED: dict[str, tuple[Permission, ...]] = {
    **dict.fromkeys(
        ("changePassword", "listRoles", "readProject", "listMeasures", "queryMany", "followFigures"), ANYBODY
    ),
    **dict.fromkeys(("listAnnotations", "listViews", "saveView", "changeView", "deleteView"), ANYBODY),
    **dict.fromkeys(("readContract", "readGlossary", "readTour"), ANYBODY),
    **dict.fromkeys(("listUsers", "addUser", "changeUser", "removeUser", "makeTicket"), (P.PEOPLE,)),
    **dict.fromkeys(("listKeys", "makeKey", "revokeKey"), (P.KEYS,)),
    **dict.fromkeys(("queryFigures", "explainFigure"), (P.OPERATIONAL,)),
    "bridgeMargin": (P.FINANCIAL,),
    "exportFigures": (P.EXPORT,),
    "listUnits": (P.UNITS,),
    "readReceipt": (P.UNITS, P.FINANCIAL),
    "revealUnit": (P.UNITS, P.REVEAL),
    "eraseUnit": (P.ERASE,),
    "listFailures": (P.UNITS, P.OPERATIONAL),
    **dict.fromkeys(
        ("readReconciliation", "listPeriods", "listRestatements", "listEntries", "listLocks", "listCharges"),
        (P.RECONCILIATION,),
    ),
    **dict.fromkeys(("enterDecision", "lockPeriod", "reverseEntry"), (P.RECONCILE,)),
    **dict.fromkeys(("listBooks", "readBook", "diffBook"), (P.PRICES,)),
    "draftBook": (P.PRICE,),
    **dict.fromkeys(("approveBook", "rollBackBook"), (P.APPROVE,)),
    **dict.fromkeys(("readQuality", "readDrift", "readLag", "readRates"), (P.QUALITY,)),
    **dict.fromkeys(("listQuarantine", "readQuarantined"), (P.QUARANTINE,)),
    "replayQuarantine": (P.REPLAY,),
    **dict.fromkeys(("annotate", "deleteAnnotation"), (P.ANNOTATE,)),
    **dict.fromkeys(("listAudit", "verifyAudit"), (P.AUDIT,)),
}
FILLED = {"{unit_type}": "order", "{unit_id}": "o1", "{book}": "cloud"}
ASKED = {"queryFigures": "?measure=units", "explainFigure": "?measure=units", "exportFigures": "?measure=units"}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A running shop."""
    project = tmp_path_factory.mktemp("shop")
    write_project(project, "ecommerce")
    with in_process(project) as service, listening(service, Limits()) as served:
        keys: dict[str, str] = {}
        with service.control.session() as session:
            maker = Viewer(None, "tests", None, OWNER, "owner")
            for role, scopes in ROLES.items():
                keys[role] = make_key(session, maker, system_clock(), name=role, scopes=scopes)[1]
        KEYS.update(keys)
        yield served


KEYS: dict[str, str] = {}


def operations(shop: Served) -> dict[str, tuple[str, str]]:
    """Operation → method and path, of all that is served below /api/v1 but the door of Prometheus."""
    paths = shop.send("GET", "/api/v1/openapi.json").body["paths"]
    return {
        operation["operationId"]: (method, path)
        for path, methods in paths.items()
        for method, operation in methods.items()
        if method in METHODS and path.startswith("/api/v1/") and path != "/api/v1/write"
    }


def status(shop: Served, name: str, method: str, path: str, key: str | None) -> tuple[int, Any]:
    """What a role is answered, without waiting for the end of a stream."""
    for placeholder, value in FILLED.items():
        path = path.replace(placeholder, value)
    path = re.sub(r"\{\w+\}", "987654321", path)
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {key}"} if key else {})
    answer = HTTP.request(
        method.upper(), f"{shop.address}{path}{ASKED.get(name, '')}", headers=headers,
        body=None if method == "get" else b"{}", preload_content=False, redirect=False,
    )  # fmt: skip
    try:
        is_problem = "problem" in answer.headers.get("content-type", "")
        return answer.status, json.loads(answer.read()) if is_problem else None
    finally:
        answer.close()


def test_every_operation_has_a_decision(shop: Served) -> None:
    """A new route fails here until somebody says who may call it; none is decided that is not there."""
    served = set(operations(shop))
    assert served - PUBLIC - set(DECIDED) == set()
    assert PUBLIC | set(DECIDED) == served


@pytest.mark.parametrize("role", Role)
def test_each_role_is_let_in_or_refused_as_decided(shop: Served, role: Role) -> None:
    """Every operation, really called: 403 with what is missing where a role may not, anything but 401 and 403 where."""
    wrong = []
    for name, (method, path) in operations(shop).items():
        if name in PUBLIC:
            continue
        missing = [permission for permission in DECIDED[name] if permission not in ROLES[role]]
        found, said = status(shop, name, method, path, KEYS[role])
        if missing:
            fits = found == 403 and said["permission"] in missing and said["roles"]
        else:
            fits = found not in {401, 403} and found < 500
        if not fits:
            wrong.append((name, found, said, missing))
    assert wrong == []


def test_nobody_is_let_in_without_a_key(shop: Served) -> None:
    """401 at every operation but those that let somebody in, with no key and with one that is none."""
    wrong = []
    for key in (None, "pu_" + "x" * 43, "' OR 1=1 --"):
        for name, (method, path) in operations(shop).items():
            found, _ = status(shop, name, method, path, key)
            if name not in PUBLIC and found != 401:
                wrong.append((name, key, found))
    assert wrong == []


@pytest.mark.parametrize("role", Role)
def test_each_role_gets_the_measures_of_its_families(shop: Served, role: Role) -> None:
    """Roles × measures, over every operation that answers with figures."""
    headers = {"authorization": f"Bearer {KEYS[role]}"}
    listed = {m["name"]: m["allowed"] for m in shop.send("GET", "/api/v1/measures", **headers).body}
    asked = [{"measures": [name], "from": "2026-09-01", "to": "2026-09-02"} for name in MEASURES]
    content = {"content_type": "application/json"} | headers
    results: list[Any] = []
    for start in range(0, len(asked), 30):
        body = json.dumps({"queries": asked[start : start + 30]}).encode()
        results += shop.send("POST", "/api/v1/queries", body, **content).body["results"]
    for name, result in zip(MEASURES, results, strict=True):
        may = permission_of(MEASURES[name]) in ROLES[role]
        assert listed[name] == may
        assert (result.get("problem", {}).get("status") == 403) != may, name
        for path in ("query", "export"):
            found = shop.send("GET", f"/api/v1/{path}?measure={name}&from=2026-09-01&to=2026-09-02", **headers).status
            needed = may and (path != "export" or P.EXPORT in ROLES[role])
            assert (found == 403) != needed, (path, name)


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/../../etc/passwd",
            "/%2e%2e/%2e%2e/etc/passwd",
            "/assets/../../../perunit.yaml",
            "/assets/%2e%2e%2fcontrol.db",
        ),
        *(
            "/api/v1/units/order/..%2f..%2fetc%2fpasswd",
            "/api/v1/units/..%2f..%2fdata/x",
            "/api/v1/prices/..%2fperunit",
        ),
        *("/api/v1/prices/%2fetc%2fpasswd", "/assets/%00", "//etc/passwd", "/assets/..%5c..%5cperunit.yaml"),
    ],
)
def test_no_path_leads_out(shop: Served, path: str) -> None:
    """Neither a file of the machine nor one of the project is answered, whatever the path says."""
    answer = shop.send("GET", path)
    assert answer.status < 500
    assert "root:" not in str(answer.body)
    assert "version: 1" not in str(answer.body)
    assert answer.status in {200, 400, 404, 422}
    if answer.status == 200:
        assert "text/html" in answer.headers["content-type"]


@pytest.mark.parametrize("value", ["x%0d%0aset-cookie:%20a=b", "%0d%0a%0d%0ahello"])
def test_nothing_that_is_sent_becomes_a_header(shop: Served, value: str) -> None:
    """Line ends in parameters stay in them."""
    for path in (f"/api/v1/export?measure=units&filter=plan:{value}", f"/api/v1/oidc/start?return_to={value}"):
        answer = shop.send("GET", path)
        assert answer.status < 500
        assert "set-cookie" not in answer.headers or "a=b" not in answer.headers["set-cookie"]
