"""What people do with a mouse, from the first account to a locked month; each deed is looked for where it tells."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from playwright.sync_api import expect
from tests.access.provider import CLIENT, SECRET, provider
from tests.faces.serving import command, event, serving
from tests.ui.browsing import Visit, signed_in, visiting
from tests.ui.conftest import demo_project

from perunit.engine.duckdb import Engine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Locator, Page
    from tests.faces.serving import Served

pytestmark = pytest.mark.slow

REASON = "because a test says so"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A small company of these tests' own, as much is changed in it."""
    with serving(demo_project(tmp_path_factory.mktemp("deeds"), 6_000)) as served:
        yield served
        assert served.stop() == 0


@dataclass
class Desk:
    """The administrator's browser."""

    visit: Visit
    served: Served

    def open(self, path: str) -> Page:
        """A page, settled."""
        return self.visit.open(path)

    def decide(self, act: str, **fields: str) -> None:
        """Fills in the dialog that is open, with a reason where one is asked for, and does it."""
        dialog = self.visit.page.locator("dialog[open]")
        for name, value in fields.items():
            dialog.locator(f"[name={name}]").fill(value)
        if dialog.locator("[name=reason]").count():
            dialog.locator("[name=reason]").fill(REASON)
        dialog.get_by_role("button", name=act, exact=True).click()
        expect(dialog).to_have_count(0)

    def audited(self, action: str) -> dict[str, Any]:
        """The last entry of an action."""
        entry: dict[str, Any] = self.served.ask("audit", "list", "--action", action, "--limit", "1")[0]
        return entry | {"details": json.loads(entry["details"])}


@pytest.fixture
def desk(browser: Browser, office: Served) -> Iterator[Desk]:
    """A window of it."""
    with visiting(browser, office, signed_in(browser, office, "admin")) as visit:
        yield Desk(visit, office)
        assert visit.complaints == []


def test_a_price_book_is_drafted_approved_and_rolled_back(desk: Desk) -> None:
    """What changes and what it would have cost are shown before anything is in force."""
    page = desk.open("/prices/payments?tab=draft")
    box = page.get_by_label("Price book as YAML")
    text = box.input_value()
    assert '"2.9"' in text
    box.fill(text.replace('"2.9"', '"3.1"'))
    page.get_by_role("button", name="Check and preview").click()
    expect(page.get_by_role("table", name="Measures before and after, by replaying stored usage")).to_be_visible()
    page.get_by_role("button", name="Keep the draft").click()
    approve = page.get_by_role("button", name="Approve…")
    expect(approve).to_be_enabled()
    approve.click()
    page.locator("dialog[open] [name=past]").check()
    desk.decide("Put in force")
    (entry,) = {each["version"]: each for each in rates(desk, "payments")}.values()
    assert entry["version"] == "payments@2"
    assert desk.audited("price_approve")["details"]["reason"] == REASON
    page = desk.open("/prices/payments")
    page.get_by_role("row").filter(has_text="withdrawn").get_by_role("button", name="Roll back to this").click()
    page.locator("dialog[open] [name=past]").check()
    desk.decide("Roll back")
    assert {each["version"] for each in rates(desk, "payments")} == {"payments@3"}


def rates(desk: Desk, book: str) -> list[dict[str, Any]]:
    """The rates of a book in force."""
    listed = [each for each in desk.served.ask("prices", "list") if each["rate_id"].startswith(f"{book}@")]
    return [each | {"version": each["rate_id"].split("/")[0]} for each in listed if each["in_force"]]


def test_an_invoice_is_adjusted_and_the_month_locked(desk: Desk) -> None:
    """The decision is shown, taken back, and the lock stands for good."""
    page = desk.open("/reconciliation")
    page.get_by_role("button", name="Adjust").first.click()
    desk.decide("Adjust", amount="5")
    decisions = page.get_by_role("table", name="Decisions about invoices")
    expect(decisions.get_by_role("row").filter(has_text=REASON)).to_be_visible()
    assert desk.served.ask("reconcile", "entries")[-1]["amount"] == "5"
    decisions.get_by_role("button", name="Take back").click()
    desk.decide("Take back")
    expect(decisions.get_by_role("row").filter(has_text=REASON)).to_have_count(2)
    page.get_by_role("button", name="Lock 20").click()
    desk.decide("Lock the period")
    (lock,) = desk.served.ask("reconcile", "locks")
    assert (lock["reason"], lock["actor"]) == (REASON, "admin")


def test_somebody_is_let_in_and_shut_out(desk: Desk, browser: Browser) -> None:
    """An account, a link that signs in once, and what they see when it is disabled."""
    page = desk.open("/admin")
    page.get_by_role("button", name="Add a user").click()
    page.locator("dialog[open] [name=role]").select_option("engineer")
    desk.decide("Add", name="kim")
    row = page.get_by_role("row").filter(has_text="kim")
    row.get_by_role("button", name="Sign-in link").click()
    page.get_by_role("button", name="Make the link").click()
    link = page.get_by_label("The link").inner_text()
    page.keyboard.press("Escape")
    with visiting(browser, desk.served) as theirs:
        theirs.page.goto(link)
        expect(theirs.page.get_by_role("heading", name="Choose a password")).to_be_visible()
        theirs.page.get_by_role("button", name="Not now").click()
        expect(theirs.page.get_by_role("navigation", name="Pages")).to_be_visible()
        row.get_by_role("button", name="Disable").click()
        desk.decide("Disable")
        theirs.page.goto(f"{desk.served.address}/executive")
        expect(theirs.page.get_by_role("heading", name="Sign in to perunit")).to_be_visible()
    (kim,) = (each for each in desk.served.ask("users", "list") if each["name"] == "kim")
    assert kim["disabled_at"]


def test_a_key_is_made_shown_once_and_revoked(desk: Desk) -> None:
    """What it opens it opens at once, and no more once it is revoked."""
    page = desk.open("/admin?tab=keys")
    page.get_by_role("button", name="Make a key").click()
    dialog = page.locator("dialog[open]")
    dialog.locator("[name=name]").fill("ci")
    dialog.get_by_label("measures:operational").check()
    dialog.get_by_role("button", name="Make", exact=False).last.click()
    key = page.get_by_label("The key").inner_text().strip()
    asked = {"authorization": f"Bearer {key}"}
    assert desk.served.send("GET", "/api/v1/query?measure=units", **asked).status == 200
    page.keyboard.press("Escape")
    revoke = page.get_by_role("row").filter(has_text="measures:operational").filter(has_text="admin")
    revoke = revoke.get_by_role("button", name="Revoke")
    revoke.click()
    desk.decide("Revoke for good")
    expect(revoke).to_have_count(0)
    assert desk.audited("key_revoke")["target"].endswith(" ci")


def test_a_view_is_saved_opened_and_deleted(desk: Desk) -> None:
    """With everything that was chosen."""
    chosen = "/executive?by=region&f=plan%3Apro"
    page = desk.open(chosen)
    page.get_by_role("button", name="Views").click()
    sheet = page.locator("dialog[open]")
    sheet.get_by_label("Save this view as").fill("regions of pro")
    sheet.get_by_role("button", name="Save view").click()
    opener = sheet.get_by_role("button", name="regions of pro", exact=True)
    expect(opener).to_be_visible()
    page.keyboard.press("Escape")
    page = desk.open("/oncall")
    page.get_by_role("button", name="Views").click()
    opener.click()
    expect(page.get_by_role("heading", name="Executive")).to_be_visible()
    assert "by=region" in page.url
    page.get_by_role("button", name="Views").click()
    sheet.get_by_label("Delete regions of pro").click()
    expect(opener).to_have_count(0)


def test_waiting_rows_are_replayed_for_a_reason(desk: Desk) -> None:
    """Those chosen; what is refused once more waits anew."""
    page = desk.open("/quality")
    page.get_by_role("checkbox").first.check()
    page.get_by_role("button", name="Replay 1 chosen").click()
    desk.decide("Replay")
    assert desk.audited("quarantine_replay")["details"]["reason"] == REASON


@pytest.mark.parametrize("form", ["CSV", "Parquet"])
def test_what_is_exported_opens_elsewhere(desk: Desk, tmp_path: Path, form: str) -> None:
    """With the rows of the table on the page."""
    page = desk.open("/executive")
    shown = page.get_by_role("table", name="Segments by plan").locator("tbody tr").count()
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as download:
        page.get_by_role("link", name=form).or_(page.get_by_role("button", name=form)).first.click()
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    engine = Engine()
    reader = "read_parquet" if form == "Parquet" else "read_csv"
    rows = engine.value(f"SELECT count(*) FROM {reader}('{path}'" + (", comment = '#')" if form == "CSV" else ")"))
    engine.close()
    assert rows == shown


def test_paper_has_the_figures_and_no_controls(desk: Desk) -> None:
    """Neither navigation nor buttons."""
    page = desk.open("/executive")
    page.emulate_media(media="print")
    expect(page.get_by_role("table", name="Segments by plan")).to_be_visible()
    expect(page.get_by_role("navigation", name="Pages")).to_be_hidden()
    expect(page.get_by_role("button", name="Tour")).to_be_hidden()
    page.emulate_media(media="screen")


def test_a_dialog_keeps_the_focus_and_gives_it_back(desk: Desk) -> None:
    """However often Tab is pressed; Escape leads back to what opened it."""
    page = desk.open("/admin")
    opener = page.get_by_role("button", name="Add a user")
    opener.focus()
    page.keyboard.press("Enter")
    expect(page.locator("dialog[open]")).to_be_visible()
    for _ in range(14):
        page.keyboard.press("Tab")
        inside = page.evaluate("document.activeElement === document.body || !!document.activeElement.closest('dialog')")
        assert inside
    page.keyboard.press("Escape")
    expect(page.locator("dialog[open]")).to_have_count(0)
    expect(opener).to_be_focused()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in which nobody has an account, whose users are pseudonyms."""
    root = tmp_path_factory.mktemp("shop")
    assert command("-C", str(root), "init", "--template", "ecommerce", ".").returncode == 0
    return root


def field(page: Page, name: str) -> Locator:
    """A field of a form by its name."""
    return page.locator(f"[name={name}]")


def test_the_first_account_is_made_then_a_provider_lets_in_and_an_id_is_revealed(browser: Browser, shop: Path) -> None:
    """By the link that the server printed; then by the button; the id behind a pseudonym for a reason only."""
    with provider() as identity:
        told = yaml.safe_load((shop / "perunit.yaml").read_text())
        oidc = {
            "issuer": identity.issuer,
            "client_id": CLIENT,
            "client_secret_env": "OIDC_SECRET",
            "name": "Example ID",
        }
        told["access"] = {"oidc": oidc | {"roles": {"finance": "oncall"}}}
        told["privacy"] = {"pseudonymize": ["user"]}
        (shop / "perunit.yaml").write_text(yaml.safe_dump(told, sort_keys=False))
        assert command("-C", str(shop), "privacy", "init").returncode == 0
        with serving(shop, env={"OIDC_SECRET": SECRET}) as served:
            assert served.post(event(1)).status == 200
            assert served.setup
            with visiting(browser, served) as visit:
                page = visit.page
                page.goto(served.setup)
                field(page, "name").fill("ada")
                field(page, "password").fill("a long enough secret")
                field(page, "again").fill("a long enough secret")
                page.get_by_role("button", name="Make the account").click()
                expect(page.get_by_role("navigation", name="Pages")).to_be_visible()
                assert "token" not in page.url
            with visiting(browser, served) as visit:
                page = visit.page
                page.goto(f"{served.address}/units/user/{pseudonym(served)}")
                page.get_by_role("link", name="Sign in with Example ID").click()
                expect(page.get_by_role("button", name="Reveal id")).to_be_visible()
                page.get_by_role("button", name="Reveal id").click()
                field(page, "reason").fill(REASON)
                page.locator("dialog[open]").get_by_role("button", name="Reveal").click()
                expect(page.get_by_role("heading", name="user u1").first).to_be_visible()
            (entry,) = served.ask("audit", "list", "--action", "reveal")
            assert (entry["actor"], json.loads(entry["details"])["reason"]) == ("kim", REASON)
            assert {each["role"] for each in served.ask("users", "list")} == {"admin", "oncall"}
            assert served.stop() == 0


def pseudonym(served: Served) -> str:
    """What the only user is stored under."""
    found: str = served.ask("receipt", "user", "u1")["unit_key"]
    return found
