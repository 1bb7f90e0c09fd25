"""YAML with line numbers: values as they were written, and every fault of the syntax with its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from perunit.contract import document as room
from perunit.contract.document import Document, parse_document, read_document, shown

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(params=["libyaml", "plain"])
def read(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`parse_document` over both parsers: the fast one and the one for machines without it."""
    if request.param == "plain":
        monkeypatch.setattr(room, "_Loader", room._PlainLoader)
    elif not yaml.__with_libyaml__:
        pytest.skip("this PyYAML has no libyaml")
    return lambda text: parse_document(text, "f.yaml")


def test_scalars_keep_the_text_they_were_written_with(read: Any) -> None:
    """Decimals, dates, YAML 1.1 booleans and octal-looking ids stay text; only plain values are converted."""
    text = "{price: 0.10, big: 1e3, day: 2026-09-01, country: no, id: 007, n: 12, neg: -3, t: true, none: ~, q: '12'}"
    assert read(text).data == {
        "price": "0.10",
        "big": "1e3",
        "day": "2026-09-01",
        "country": "no",
        "id": "007",
        "n": 12,
        "neg": -3,
        "t": True,
        "none": None,
        "q": "12",
    }


def test_every_value_knows_its_line(read: Any) -> None:
    """Paths into mappings and lists lead to the line of the value, unknown ones to the nearest around them."""
    document = read("a:\n  - x: 1\n    y: 2\n  - {z: 3}\nb: 5\n")
    assert document.line(("a", 0, "y")) == 3
    assert document.line(("a", 1, "z")) == 4
    assert document.line(("b",)) == 5
    assert document.line(("a", 1, "not there")) == 4
    assert document.line(("neither",)) == 1


def test_anchors_and_merges_are_followed(read: Any) -> None:
    """An alias repeats a value, and what is written beside a merge wins over what is merged."""
    document = read("base: &b {x: 1, y: 2}\ncopy: *b\nmore: {<<: *b, y: 3}\nboth: {<<: [*b, {z: 4}]}\n")
    assert document.data["copy"] == {"x": 1, "y": 2}
    assert document.data["more"] == {"x": 1, "y": 3}
    assert document.data["both"] == {"x": 1, "y": 2, "z": 4}
    assert not document.faults


@pytest.mark.parametrize(
    ("text", "line", "rule"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "a key must appear once, and this one is on line 1 already"),
        ("a:\n  x: 1\n  x: 2\n", 3, "a key must appear once, and this one is on line 2 already"),
        ("a: !!python/object/apply:os.system [ls]\n", 1, "must carry no tag"),
        ("a: !!int '5'\n", 1, "must carry no tag"),
        ("b: 1\na: !secret x\n", 2, "must carry no tag"),
        ("a: 1\n? [x]\n: 2\n", 2, "a key must be a word"),
        ("a: &x [*x]\n", 1, "must not contain itself"),
        ("a: {<<: 5}\n", 1, "must be a mapping"),
        ("", 1, "must not be empty"),
        ("# only a comment\n", 1, "must not be empty"),
    ],
)
def test_what_yaml_allows_and_we_do_not(read: Any, text: str, line: int, rule: str) -> None:
    """Duplicate keys, tags, keys that are no words, circles and empty files are faults with their line."""
    (fault,) = read(text).faults
    assert (fault.line, fault.rule) == (line, rule)
    assert fault.mend


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: [1, 2\nb: 3\n", 2),
        ("a: 1\n\tb: 2\n", 2),
        ("a: 1\nb: c: d\n", 2),
        ("a: 1\n---\nb: 2\n", 2),
        ("a: *nothing\n", 1),
        ("a: @x\n", 1),
        ("- a\nb: 1\n", 2),
    ],
)
def test_broken_syntax_is_one_fault_on_its_line(read: Any, text: str, line: int) -> None:
    """Broken YAML names the line, quotes it, and leaves no data."""
    document = read(text)
    (fault,) = document.faults
    assert document.data is None
    assert fault.line == line
    assert fault.place == "syntax"
    assert fault.rule.startswith("must be YAML (")
    assert fault.got


def test_every_duplicate_is_reported_at_once(read: Any) -> None:
    """Two duplicates are two faults, and the first values stand."""
    document = read("a: 1\na: 2\nb: {x: 1, x: 2}\n")
    assert [fault.place for fault in document.faults] == ["a", "b.x"]
    assert document.data == {"a": 1, "b": {"x": 1}}


@pytest.mark.parametrize("text", ["[" * 5000, "{a: " * 5000, "- " * 5000 + "x", "a: " + "[" * 300_000])
def test_deep_nesting_is_a_fault(text: str) -> None:
    """Nesting without end neither crashes nor hangs."""
    assert parse_document(text, "f.yaml").faults


def test_a_small_file_cannot_stand_for_a_huge_one() -> None:
    """Aliases of aliases are refused once they stand for too many values."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    (fault,) = parse_document("\n".join(lines), "f.yaml").faults
    assert fault.got == "too many values"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_understood(tmp_path: Path, encoding: str) -> None:
    """UTF-8 with and without its mark and UTF-16 read the same."""
    path = tmp_path / "f.yaml"
    path.write_bytes("owner: Zoë\n".encode(encoding))
    assert read_document(path, "f.yaml").data == {"owner": "Zoë"}


def test_other_encodings_are_refused_with_their_line(tmp_path: Path) -> None:
    """Text that is not UTF-8 names the line and the bytes."""
    path = tmp_path / "f.yaml"
    path.write_bytes(b"a: 1\nowner: Zo\xeb\n")
    (fault,) = read_document(path, "f.yaml").faults
    assert (fault.line, fault.got[:4]) == (2, "0xeb")


def test_control_characters_are_refused() -> None:
    """A character YAML cannot hold is a fault on its line."""
    (fault,) = parse_document("a: 1\nb: \x01\n", "f.yaml").faults
    assert (fault.line, fault.place) == (2, "text")


def test_a_file_that_cannot_be_read_is_a_fault(tmp_path: Path) -> None:
    """A directory in the place of a file is reported, not raised."""
    assert read_document(tmp_path, "f.yaml").faults[0].rule == "must be a readable file"


def test_a_fault_quotes_what_is_in_the_file() -> None:
    """Values are quoted as written and shortened; lists count from 1."""
    document = Document("f.yaml", {"a": [{"b": "x" * 500}]}, {("a", 0, "b"): 7})
    fault = document.fault(("a", 0, "b"), "must be short", "shorten it")
    assert (fault.place, fault.line) == ("a.1.b", 7)
    assert len(fault.got) < 130
    assert shown({"a": 1}) == "a mapping"
    assert shown(None) == "nothing"


@given(st.text(alphabet=st.sampled_from("abc:-[]{},&*!|>'\"#%@\n\t ~0.1<?"), max_size=60))
def test_any_text_gives_data_or_faults(text: str) -> None:
    """No text raises; what gives no data gives a fault."""
    document = parse_document(text, "f.yaml")
    assert document.faults or document.data is not None or text.strip()
    assert all(fault.file == "f.yaml" and fault.rule and fault.mend for fault in document.faults)
