"""``perunit users`` and ``perunit keys``: accounts and keys from the command line, beside a server or without one."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from tests.access.people import GOOD
from tests.faces.api.browsing import Browser
from tests.faces.serving import serving

from perunit.faces.cli.init import write_project
from perunit.faces.cli.main import cli
from perunit.model.errors import PerunitError
from perunit.store.control.database import URL_VARIABLE
from perunit.store.control.models import AuditEntry
from perunit.wiring import open_control_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

    Run = Callable[..., Result]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project without accounts."""
    write_project(tmp_path, "ecommerce")
    return tmp_path


@pytest.fixture
def run(project: Path) -> Run:
    """Runs a command line on it."""

    def call(*words: str, given: str = "") -> Result:
        return CliRunner().invoke(cli, ["-C", str(project), *words], input=given)

    return call


def said(result: Result) -> Any:
    """What it answered in JSON."""
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def refused(result: Result) -> str:
    """Why it was refused."""
    assert isinstance(result.exception, PerunitError), result.output
    return str(result.exception)


def test_an_account_from_making_to_disabling(run: Run) -> None:
    """Each verb says what is so now, in words and in JSON."""
    assert "nobody has an account yet" in run("users", "list").stdout
    made = said(run("--json", "users", "add", "Kim", "--role", "admin", "--password", given=f"{GOOD}\n"))
    assert (made["name"], made["role"], made["has_password"], made["rows"]) == ("kim", "admin", True, {})
    words = ("users", "add", "robin", "--role", "finance", "--rows", "region=eu,us", "--rows", "plan=pro")
    assert run(*words).stdout == "robin is finance, sees plan=pro; region=eu,us; perunit users ticket robin\n"
    changed = said(run("--json", "users", "set", "robin", "--role", "viewer", "--all-rows", "--email", "r@example.com"))
    assert (changed["role"], changed["rows"], changed["email"]) == ("viewer", {}, "r@example.com")
    assert "robin is disabled" in run("users", "disable", "robin").stdout
    assert said(run("--json", "users", "list"))[1]["disabled_at"]
    assert said(run("--json", "users", "set", "robin", "--enable"))["disabled_at"] is None
    assert run("users", "password", "kim", given="nine red foxes\r\n").stdout == "kim has another password\n"
    listed = run("users", "list").stdout
    assert "kim" in listed
    assert "password" in listed


def test_what_is_done_is_written_down(project: Path, run: Run) -> None:
    """In the audit, by whom and to whom; a password or key never."""
    run("users", "add", "kim", "--role", "admin", "--password", given=f"{GOOD}\n")
    run("users", "set", "kim", "--email", "kim@example.com")
    url = run("users", "ticket", "kim").stdout
    key = run("keys", "add", "k", "--scope", "facts:write").stdout.strip()
    run("keys", "revoke", "1")
    with closing(open_control_of(project)) as control, control.reading() as session:
        entries = session.query(AuditEntry).order_by(AuditEntry.seq).all()
    assert [(entry.action, entry.target, entry.via) for entry in entries] == [
        ("user_create", "kim", "owner"),
        ("user_change", "kim", "owner"),
        ("user_change", "kim", "owner"),
        ("key_create", "1 k", "owner"),
        ("key_revoke", "1 k", "owner"),
    ]
    details = " ".join(entry.details for entry in entries)
    assert not [secret for secret in (GOOD, key, url.partition("ticket=")[2].strip()) if secret in details]


def test_what_cannot_be_says_why(run: Run) -> None:
    """With the place, the rule and the mend."""
    run("users", "add", "kim", "--role", "admin", "--password", given=f"{GOOD}\n")
    assert "name: 'kim' is taken" in refused(run("users", "add", "KIM", "--role", "viewer"))
    assert "password: has 5 characters" in refused(run("users", "password", "kim", given="short\n"))
    assert "users: there is no 'nobody'" in refused(run("users", "ticket", "nobody"))
    assert "'kim' is the last administrator" in refused(run("users", "disable", "kim"))
    assert "--rows: got 'region'" in refused(run("users", "set", "kim", "--rows", "region"))
    assert "--all-rows: must not stand" in refused(run("users", "set", "kim", "--rows", "a=b", "--all-rows"))
    assert "email: got 'x'" in refused(run("users", "set", "kim", "--email", "x"))
    assert "--scope: got 'everything'" in refused(run("keys", "add", "k", "--scope", "everything"))
    assert "keys: there is none with id 9" in refused(run("keys", "revoke", "9"))
    assert run("users", "add", "x", "--role", "king").exit_code == 2
    assert run("users", "add", "x", "--role", "viewer", "--password", "given").exit_code == 2


def test_a_key_is_printed_once(run: Run) -> None:
    """On standard output alone, so that it can be put where it is needed."""
    assert "no keys yet" in run("keys", "list").stdout
    made = run("keys", "add", "collector [x]", "--scope", "facts:write", "--days", "9")
    assert made.stdout.startswith("pu_")
    assert len(made.stdout) == len("pu_") + 43 + 1
    listed = run("keys", "list").stdout
    assert made.stdout[:9] in listed
    assert made.stdout.strip() not in listed
    assert "collector [x]" in listed
    (key,) = said(run("--json", "keys", "list"))
    assert (key["scopes"], key["made_by"], key["revoked_at"]) == (["facts:write"], None, None)
    assert said(run("--json", "keys", "revoke", str(key["id"])))["revoked_at"]


def test_a_running_server_takes_it_up_at_once(project: Path, run: Run) -> None:
    """The first account, a link to its address, and being locked out."""
    with serving(project) as served:
        browser = Browser(served.address)
        assert browser.send("GET", "/api/v1/session").body["setup_required"] is True
        run("users", "add", "ada", "--role", "admin")
        run("users", "add", "kim", "--role", "admin")
        assert browser.send("GET", "/api/v1/session").body["setup_required"] is False
        url = run("users", "ticket", "kim").stdout.strip()
        assert url.startswith(f"{served.address}/login?ticket=")
        ticket = {"ticket": url.partition("ticket=")[2]}
        assert browser.send("POST", "/api/v1/session/ticket", ticket).body["user"]["name"] == "kim"
        assert browser.send("GET", "/api/v1/users").status == 200
        run("users", "disable", "kim")
        assert browser.send("GET", "/api/v1/users").status == 401
        assert served.stop() == 0


def test_serve_says_where_the_first_account_is_made(project: Path) -> None:
    """As long as nobody has one. Its link works, and its token is nowhere in the project nor in the log."""
    with serving(project) as served:
        assert served.setup
        address, _, token = served.setup.partition("/setup?token=")
        browser = Browser(address)
        data = b"".join(path.read_bytes() for path in (project / "data").glob("control.db*"))
        made = browser.send("POST", "/api/v1/setup", {"token": token, "name": "ada", "password": GOOD})
        assert (made.status, made.body["user"]["role"]) == (200, "admin")
        assert served.stop() == 0
    assert b"token_hash" in data
    assert token.encode() not in data
    assert token not in (project / "serve.log").read_text()
    with serving(project) as served:
        assert served.setup is None
        assert Browser(served.address).sign_in("ada", GOOD).status == 200


def test_the_control_database_is_where_the_environment_says(
    project: Path, run: Run, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A PostgreSQL, by the variable's usual name or the contract's."""
    for name in (URL_VARIABLE, "MY_DATABASE"):
        monkeypatch.setenv(name, postgres_url)
        known = f"user-{name.lower()}"
        assert run("users", "add", known, "--role", "viewer").exit_code == 0
        assert not (project / "data" / "control.db").exists()
        with closing(open_control_of(project)) as control:
            assert control.place.startswith("postgresql+psycopg://perunit@/")
        monkeypatch.delenv(name)
        contract = project / "perunit.yaml"
        contract.write_text(contract.read_text() + "\ncontrol: {url_env: MY_DATABASE}\n" * (name == URL_VARIABLE))
