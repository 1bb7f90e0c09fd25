"""What the documentation says of the product is there, and what the product has is documented."""

from __future__ import annotations

import json
import re
import shlex
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click
import pytest
import yaml
from click.testing import CliRunner
from pydantic import BaseModel

from perunit.contract.json_schema import SUPPORTED
from perunit.contract.prices import AdjustmentEntry, FeeEntry, FxEntry, PriceBookFile, UsageEntry
from perunit.contract.read import examine
from perunit.contract.shape import Contract
from perunit.engine.files import sql_text
from perunit.faces.cli.main import cli
from perunit.measures.catalogue import MEASURES

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
WRITTEN = [ROOT / "README.md", ROOT / "CHANGELOG.md", *PAGES, *sorted((ROOT / "src").rglob("README.md"))]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.M | re.S)


def name(path: Path) -> str:
    """How a page is called in a test's name."""
    return path.relative_to(ROOT).as_posix()


def page(path: str) -> str:
    """The text of a page of the documentation."""
    return (DOCS / path).read_text(encoding="utf-8")


def sections(text: str) -> dict[str, str]:
    """Heading → what stands below it; what stands before the first one under the empty name."""
    parts = re.split(r"^## (.+)$", text, flags=re.M)
    return {"": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}


def slugs(text: str) -> set[str]:
    """The anchors of a page's headings, as they are made for the web."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def leaves(command: click.Command, words: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, by the words that call it."""
    if not isinstance(command, click.Group):
        yield " ".join(words), command
        return
    if command.invoke_without_command and words:
        yield " ".join(words), command
    context = click.Context(command)
    for verb in command.list_commands(context):
        inner = command.get_command(context, verb)
        assert inner is not None
        yield from leaves(inner, (*words, verb))


def fields(model: type[BaseModel]) -> Iterator[str]:
    """Every key of a shape and of the shapes inside it, as a person writes it."""
    for key, field in model.model_fields.items():
        yield field.alias or key
        for inner in shapes(field.annotation):
            yield from fields(inner)


def shapes(annotation: Any) -> Iterator[type[BaseModel]]:
    """The shapes an annotation holds."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from shapes(part)


def commands(text: str) -> Iterator[list[str]]:
    """The words of every perunit command in a page's consoles, without what follows a pipe."""
    for info, block in FENCE.findall(text):
        if info.startswith("console"):
            for line in re.findall(r"^\$ perunit (.+)$", block, re.M):
                yield shlex.split(re.split(r" (?:\||&&) ", line)[0].replace("…", "x"), comments=True)


def files(text: str) -> dict[str, str]:
    """The files a page spells out: `file=` of a fence → its text."""
    found = {}
    for info, block in FENCE.findall(text):
        if match := re.search(r"file=(\S+)", info):
            found[match.group(1)] = block
    return found


def written_out(text: str, folder: Path) -> Path:
    """A folder with the files that a page spells out."""
    for place, block in files(text).items():
        target = folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(block, encoding="utf-8")
    return folder


def perunit(folder: Path, *words: str) -> Any:
    """What a command answers in JSON."""
    result = CliRunner().invoke(cli, ["-C", str(folder), "--json", *words])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.mark.parametrize("path", WRITTEN, ids=name)
def test_every_link_leads_somewhere(path: Path) -> None:
    """A link to a file of the repository resolves, and its anchor is a heading there."""
    broken = []
    for target in LINK.findall(FENCE.sub("", path.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        place, _, anchor = target.partition("#")
        file = (path.parent / place).resolve() if place else path
        if not file.exists() or (anchor and anchor not in slugs(file.read_text(encoding="utf-8"))):
            broken.append(target)
    assert not broken


def test_the_index_names_every_page() -> None:
    """docs/index.md is the table of contents: no page is missing."""
    linked = {(DOCS / target).resolve() for target in LINK.findall(page("index.md"))}
    assert [path for path in PAGES if path not in linked and path.name != "index.md"] == []


@pytest.mark.parametrize(("verb", "command"), list(leaves(cli)), ids=lambda each: each if isinstance(each, str) else "")
def test_every_verb_and_option_is_documented(verb: str, command: click.Command) -> None:
    """A verb has a section with an example, and there its options and the words they choose from."""
    section = sections(page("command-line.md"))[verb]
    assert re.search(rf"perunit (\S+ )*{verb}", section)
    words = [word for param in command.params for word in (*param.opts, *param.secondary_opts) if word.startswith("-")]
    words += [
        str(each) for param in command.params if isinstance(param.type, click.Choice) for each in param.type.choices
    ]
    assert [word for word in words if f"{word}" not in re.findall(r"[\w-]+", section)] == []


def test_every_global_option_is_documented() -> None:
    """The options before the verb are listed."""
    words = [word for param in cli.params for word in param.opts]
    assert [word for word in words if f"`{word}" not in page("command-line.md")] == []


def test_documented_verbs_exist() -> None:
    """No section is about a verb that is gone."""
    assert set(sections(page("command-line.md"))) - {""} == {verb for verb, _ in leaves(cli)}


@pytest.mark.parametrize("path", WRITTEN, ids=name)
def test_commands_in_the_documentation_are_accepted(path: Path) -> None:
    """Every command of a console parses: its verb, its options and their values exist, and its measures too."""
    contracts = [
        *ROOT.glob("docs/tutorials/*/perunit.yaml"),
        *ROOT.glob("src/perunit/faces/cli/templates/*/perunit.yaml"),
    ]
    meters = {
        meter for each in contracts for meter in yaml.safe_load(each.read_text(encoding="utf-8")).get("meters", {})
    }
    for words in commands(path.read_text(encoding="utf-8")):
        context = cli.make_context("perunit", list(words))
        command: click.Command = cli
        rest = [*context._protected_args, *context.args]
        while isinstance(command, click.Group):
            if command.invoke_without_command and (not rest or rest[0] not in command.commands):
                break
            _, inner, rest = command.resolve_command(context, rest)
            assert inner is not None
            command = inner
        with command.make_context(command.name, rest) as inside:
            names = [part for word in inside.params.get("names", ()) for part in word.split(",")]
        assert [each for each in names if each not in MEASURES and each.removesuffix("_per_unit") not in meters] == []


@pytest.mark.parametrize("path", WRITTEN, ids=name)
def test_places_in_the_repository_exist(path: Path) -> None:
    """A path below docs, src or tests that a page names is there."""
    named = re.findall(r"`((?:docs|src|tests)/[\w/.-]+)`", path.read_text(encoding="utf-8"))
    assert [each for each in named if not (ROOT / each).exists()] == []


def test_every_contract_key_is_documented() -> None:
    """Each key of perunit.yaml stands in docs/contract.md."""
    text = page("contract.md")
    assert [key for key in dict.fromkeys(fields(Contract)) if f"`{key}`" not in text] == []


def test_every_key_of_a_price_book_is_documented() -> None:
    """Each key of a price book and its entries stands in docs/price-books.md."""
    keys = [key for model in (PriceBookFile, UsageEntry, FeeEntry, AdjustmentEntry, FxEntry) for key in fields(model)]
    text = page("price-books.md")
    assert [key for key in dict.fromkeys(keys) if f"`{key}`" not in text] == []


def test_every_json_schema_keyword_is_documented() -> None:
    """Each keyword that `check` lets through stands in docs/contract.md."""
    text = page("contract.md")
    assert [keyword for keyword in SUPPORTED if not re.search(rf"`{keyword}[`:]", text)] == []


def test_every_table_is_documented() -> None:
    """docs/architecture.md lists the tables of the store, all of them and no others."""
    made = re.findall(r"CREATE TABLE IF NOT EXISTS (\w+)", sql_text("store", "schema"))
    listed = re.findall(r"^\| `(\w+)` \|", sections(page("architecture.md"))["Tables"], re.M)
    assert sorted(listed) == sorted(made)


def rule_names() -> set[str]:
    """Every rule a row can be refused for, as written in the room of facts."""
    source = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "src/perunit/facts").glob("*.py")))
    found = set(re.findall(r"\bRule\(\s*\"([^\"]+)\"", source)) | set(re.findall(r"_rule\(\s*\"([^\"]+)\"", source))
    found |= {f"schema {keyword}" for keyword in re.findall(r"\byield \"([^\"]+)\"", source)}
    found |= {f"schema {keyword}" for keyword in SUPPORTED if keyword.endswith(("inimum", "aximum"))}
    doors = (ROOT / "src/perunit/facts/doors/formats.py").read_text(encoding="utf-8")
    return found | set(re.findall(r"\bRule\(\s*\"([^\"]+)\"", doors)) | {"conflict", "message"}


def test_every_quarantine_rule_is_documented() -> None:
    """docs/quarantine.md lists the rules a row can be refused for, all of them and no others."""
    rows = re.findall(r"^\| (`[^|]+) \|", sections(page("quarantine.md"))["Rules"], re.M)
    listed = {rule for row in rows for rule in re.findall(r"`([^`]+)`", row)}
    assert len(rule_names()) > 15
    assert listed == rule_names()


PRICED = """
version: 1
units: {order: {owner: shop, key: order_id, segments: [region, plan]}}
events:
  api.called: {unit: order, usage: {cpu_seconds: data.cpu, egress_bytes: data.egress, requests: data.calls}}
  payment.settled: {unit: order, amounts: {revenue: data.amount}}
meters: {cpu_seconds: {unit: s}, egress_bytes: {unit: By}, requests: {unit: "{request}"}}
"""


def fences() -> Iterator[Any]:
    """Every YAML fence of the documentation."""
    for path in WRITTEN:
        for number, (info, block) in enumerate(FENCE.findall(path.read_text(encoding="utf-8"))):
            if info.startswith("yaml"):
                yield pytest.param(info, block, id=f"{name(path)}-{number}")


@pytest.mark.parametrize(("info", "block"), list(fences()))
def test_yaml_in_the_documentation_is_right(info: str, block: str, tmp_path: Path) -> None:
    """A contract passes the check, so does a price book; a fragment is at least YAML."""
    if "fragment" in info:
        yaml.safe_load(block)
        return
    contract = PRICED if "prices" in info else block
    (tmp_path / "perunit.yaml").write_text(contract, encoding="utf-8")
    if "prices" in info:
        (tmp_path / "prices").mkdir()
        (tmp_path / "prices" / "book.yaml").write_text(block, encoding="utf-8")
    assert [str(fault) for fault in examine(tmp_path).faults] == []


def test_the_nested_json_example_is_taken_in(tmp_path: Path) -> None:
    """The example of `records` and `load` gives three tasks with the plans of their workflows."""
    folder = written_out(page("contract.md"), tmp_path)
    assert [file["accepted"] for file in perunit(folder, "ingest")["files"]] == [3]
    rows = perunit(folder, "query", "units", "cpu_seconds", "--by", "plan", "--unit", "workflow")["rows"]
    assert [(row["plan"], row["units"], row["cpu_seconds"]) for row in rows] == [("free", 1, "7"), ("pro", 1, "15.5")]


def allocated(folder: Path) -> dict[tuple[str, str], Decimal]:
    """(rule, kind) → billed cost, summed over all bills."""
    sums: dict[tuple[str, str], Decimal] = {}
    for share in perunit(folder, "bills", "show", "1")["allocation"]:
        key = (share["rule"], share["kind"])
        sums[key] = sums.get(key, Decimal(0)) + Decimal(str(share["billed_cost"]))
    return sums


def test_the_worked_example_of_a_bill(tmp_path: Path) -> None:
    """Each method gives the numbers that docs/bills.md shows, and list prices make way for the bill."""
    folder = written_out(page("bills.md"), tmp_path)
    perunit(folder, "ingest")
    assert perunit(folder, "query", "usage_cost")["rows"][0]["usage_cost"] == "0.18"
    perunit(folder, "bills", "import", str(folder / "bill.csv"))
    assert perunit(folder, "query", "usage_cost")["rows"][0]["usage_cost"] == "0.2"
    assert allocated(folder) == {
        ("tagged orders", "direct"): Decimal("2.50"),
        ("machines", "usage"): Decimal("0.20"),
        ("machines", "idle"): Decimal("0.20"),
        ("support", "shared"): Decimal("10.00"),
        ("licences", "shared"): Decimal("1.00"),
        ("unallocated", "unallocated"): Decimal("0.07"),
    }
    measures = ("usage_cost", "shared_cost", "variable_cost", "idle_cost", "unallocated_cost")
    rows = {row["plan"]: row for row in perunit(folder, "query", *measures, "--by", "plan")["rows"]}
    assert rows["free"]["usage_cost"] == "0.033333333333333333"
    assert rows["pro"]["usage_cost"] == "0.166666666666666667"
    assert rows["free"]["shared_cost"] == "1.833333333333333333"
    assert rows["pro"]["shared_cost"] == "9.166666666666666667"
    assert rows["free"]["variable_cost"] == "2.533333333333333333"
    assert (rows[None]["idle_cost"], rows[None]["unallocated_cost"]) == ("0.2", "0.07")


def test_the_worked_example_of_providers(tmp_path: Path) -> None:
    """The vendors' files of docs/providers.md come to the sums it tells, by the commands it shows."""
    folder = written_out(text := page("providers.md"), tmp_path)
    sums = {}
    for words in commands(text):
        if "--source" in words:
            (bill,) = perunit(folder, *words[:2], str(folder / words[2]), *words[3:])["bills"]
            sums[bill["bill_source"]] = bill["billed_cost"]
    assert {name: Decimal(billed) for name, billed in sums.items()} == {
        "payments": Decimal("12.59"),
        "models": Decimal("1018.90"),
    }
    assert allocated(folder) == {
        ("fees of orders", "direct"): Decimal("2.59"),
        ("unallocated", "unallocated"): Decimal("10"),
    }
    orders = [
        {
            "specversion": "1.0",
            "id": key,
            "source": "shop",
            "type": "order.completed",
            "time": "2026-05-31T12:00:00Z",
            "data": {"order_id": key, "revenue": "30"},
        }
        for key in ("o-1", "o-2")
    ]
    (folder / "orders.ndjson").write_text("\n".join(map(json.dumps, orders)), encoding="utf-8")
    perunit(folder, "ingest", str(folder / "orders.ndjson"))
    receipts = [perunit(folder, "receipt", "order", order) for order in ("o-1", "o-2")]
    assert [Decimal(each["totals"]["variable_cost"]) for each in receipts] == [Decimal("0.59"), Decimal("2.00")]
    of_file, by_hand = (words for words in commands(text) if "invoices.csv" in words or "invoice" in words)
    perunit(folder, *of_file[:2], str(folder / of_file[2]))
    perunit(folder, *by_hand)
    invoices = perunit(folder, "reconcile", "--period", "2026-05")["invoices"]
    assert [(each["invoice_id"], each["difference"]) for each in invoices] == [("M-2026-05", "0"), ("P-2026-05", "0")]


def test_the_worked_example_of_currencies(tmp_path: Path) -> None:
    """Each order of docs/currency.md is worth what its table says; rates that come later change no earlier answer."""
    folder = written_out(page("currency.md"), tmp_path)
    perunit(folder, "ingest")
    before = datetime.now(UTC).isoformat()
    question = ("query", "revenue", "unconverted")
    then = perunit(folder, *question)
    assert [(row["revenue"], row["unconverted"]) for row in then["rows"]] == [("20", 2)]
    perunit(folder, "fx", "import", str(folder / "eurofxref.csv"))
    now = perunit(folder, *question)
    assert [(row["revenue"], row["unconverted"]) for row in now["rows"]] == [("42", 1)]
    assert "1 event in CHF is not converted to USD" in " ".join(now["notes"])
    euros = perunit(folder, "query", "revenue", "--currency", "EUR")["rows"][0]["revenue"]
    assert Decimal(euros).quantize(Decimal("1e-14")) == Decimal("38.18181818181818")
    receipts = [perunit(folder, "receipt", "order", order) for order in ("o-1", "o-2", "o-3", "o-4")]
    assert [each["totals"]["revenue"] for each in receipts] == ["10", "10", "22", None]
    assert perunit(folder, *question, "--as-of", before) == then | {"freshness": then["freshness"]}


def test_what_was_known_then_stays(tmp_path: Path) -> None:
    """A price and a bill that are restated change today's figures; as of an instant before, the old ones are shown."""
    folder = written_out(page("bills.md"), tmp_path)
    perunit(folder, "ingest")
    perunit(folder, "bills", "import", str(folder / "bill.csv"))
    book = (folder / "prices" / "cloud.yaml").read_text(encoding="utf-8")
    question = ("query", "usage_cost", "shared_cost", "billed_cost")
    before = datetime.now(UTC).isoformat()
    then = perunit(folder, *question)["rows"]
    restated = (folder / "bill.csv").read_text(encoding="utf-8").replace("10.00,10.00", "12.00,12.00")
    (folder / "restated.csv").write_text(restated, encoding="utf-8")
    (bill,) = perunit(folder, "bills", "import", str(folder / "restated.csv"))["bills"]
    top = bill["services"][0]
    costs = [Decimal(top[name]) for name in ("previous_billed_cost", "billed_cost")]
    assert (top["service_name"], costs) == ("Support", [10, 12])
    dearer = book.replace("version: 1", "version: 2").replace("price: 0.36", "price: 0.72")
    (folder / "prices" / "cloud-2.yaml").write_text(dearer, encoding="utf-8")
    now = perunit(folder, *question)["rows"]
    assert (then[0]["shared_cost"], now[0]["shared_cost"]) == ("11", "13")
    assert (then[0]["billed_cost"], now[0]["billed_cost"]) == ("13.97", "15.97")
    assert perunit(folder, *question, "--as-of", before)["rows"] == then
    [receipt_then, receipt_now] = (
        perunit(folder, "receipt", "order", "o-2", *words)["events"][0]["usage"][0]["rate_id"]
        for words in (("--as-of", before), ())
    )
    assert (receipt_then, receipt_now) == ("cloud@1/rates/1", "cloud@2/rates/1")


def test_the_worked_month_of_the_finance_guide(tmp_path: Path) -> None:
    """The commands of docs/reconciliation.md give the numbers it shows, from difference to locked month."""
    text = page("reconciliation.md")
    folder = written_out(text, tmp_path)
    told = [words for words in commands(text) if "verify" not in words]

    def ran(words: list[str], *, code: int = 0) -> Any:
        found = CliRunner().invoke(cli, ["-C", str(folder), "--json", *words])
        assert found.exit_code == code, found.output
        return json.loads(found.stdout)

    before, rest = told[:3], [words for words in told if "--period" in words or "accept" in words][1:]
    for words in before:
        if words[:2] == ["bills", "import"]:
            words[2] = str(folder / words[2])
        ran(words)
    look, accept, lock, later = rest[:4]
    answer = ran(look, code=1)
    assert [line["difference"] for line in answer["invoices"]] == ["0.005"]
    assert answer["scores"][0]["reconciliation_score"].startswith("0.970068")
    (bridge,) = answer["bridges"]
    assert {step["name"]: step["reached"] for step in bridge["steps"] if step["amount"] != "0"} == {
        "price": "10.4",
        "usage": "12",
        "shared": "15",
        "unallocated": "15.5",
        "tax": "16.705",
        "unexplained": "16.7",
    }
    assert (bridge["computed"], bridge["end"], bridge["open"]) == ("8", "16.7", "0")
    assert ran(accept)["entry"]["amount"] == "-0.005"
    assert ran(lock)["actor"] == "ada"
    assert ran(later) == {"restatements": []}
    assert ran(look)["status"] == "closed"
