"""Files of lines as they come: other encodings, cut short, compressed, broken. Nothing is lost without a word."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import pytest
import zstandard
from tests.facts.said import NOT_JSON, accepted, line, refusals
from tests.invariants.company import Company, groups_of

from perunit.facts.lines import line_groups
from perunit.model.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

TWO = f"{line(id='a')}\n{line(id='ü')}\n"


def ingest(folder: Path, content: bytes, name: str = "events.ndjson") -> Company:
    """A company that has ingested these bytes."""
    company = Company(folder)
    path = folder / name
    path.write_bytes(content)
    company.ingest(path)
    return company


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(TWO.encode("utf-8-sig"), id="UTF-8 with a BOM"),
        pytest.param(TWO.encode("utf-16"), id="UTF-16"),
        pytest.param(TWO.encode("utf-16-be", "strict").join([b"\xfe\xff", b""]), id="UTF-16, big end first"),
        pytest.param(TWO.replace("\n", "\r\n").encode(), id="CRLF"),
        pytest.param(TWO.rstrip("\n").encode(), id="no newline at the end"),
        pytest.param(gzip.compress(TWO.encode()), id="gzip"),
        pytest.param(gzip.compress(TWO[:50].encode()) + gzip.compress(TWO[50:].encode()), id="gzip in two members"),
        pytest.param(zstandard.compress(TWO.encode()), id="zstd"),
    ],
)
def test_however_lines_are_written_they_are_read(tmp_path: Path, content: bytes) -> None:
    """Encodings and compressions are recognised by their first bytes, whatever the file is called."""
    assert accepted(ingest(tmp_path, content).engine) == ["a", "ü"]


def test_blank_lines_are_counted_and_keep_their_place(tmp_path: Path) -> None:
    """A blank line is no row; the rows after it keep their number in the file."""
    company = ingest(tmp_path, f"\n{line()}\r\n\r\n   \n{{cut\n".encode())
    assert company.engine.rows("SELECT received, accepted, rejected, blank FROM batches") == [(2, 1, 1, 3)]
    assert refusals(company.engine) == [(5, *NOT_JSON)]


def test_a_line_that_was_cut_is_refused_alone(tmp_path: Path) -> None:
    """Of a file that ends in the middle of a line, the cut line is quarantined whole and all others are kept."""
    cut = line(id="b")[:40]
    company = ingest(tmp_path, f"{line()}\n{cut}".encode())
    assert accepted(company.engine) == ["a"]
    assert refusals(company.engine) == [(2, *NOT_JSON)]
    assert company.engine.value("SELECT raw FROM quarantine").strip() == cut


def test_the_whole_file_after_the_cut_one_adds_the_rest(tmp_path: Path) -> None:
    """Fetched again complete, the file gives its missing event; the one it had already is a duplicate."""
    company = ingest(tmp_path, f"{line()}\n{line(id='b')[:40]}".encode())
    path = tmp_path / "events.ndjson"
    path.write_text(f"{line()}\n{line(id='b')}\n", encoding="utf-8")
    report = company.ingest(path)[0]
    assert (report.accepted, report.duplicate, report.rejected) == (1, 1, 0)
    assert accepted(company.engine) == ["a", "b"]


def test_bytes_that_are_not_utf_8_refuse_their_line_and_no_other(tmp_path: Path) -> None:
    r"""The bytes are kept as ``\xNN``, which tells them apart from any text."""
    company = ingest(tmp_path, line().encode() + b"\n\xff\xfe" + line(id="b").encode() + b"\n")
    assert accepted(company.engine) == ["a"]
    assert refusals(company.engine) == [(2, *NOT_JSON)]
    assert company.engine.value("SELECT raw FROM quarantine").strip() == "\\xff\\xfe" + line(id="b")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (gzip.compress(TWO.encode() * 500)[:-20], "ended before the end-of-stream marker"),
        (b"\x1f\x8bjunkjunkjunk", "Unknown compression method"),
        (zstandard.compress(TWO.encode() * 500)[:-20], "zstd frame"),
    ],
    ids=["gzip cut", "gzip broken", "zstd cut"],
)
def test_a_broken_archive_is_an_error_that_names_the_file(tmp_path: Path, content: bytes, said: str) -> None:
    """What can be read before the break is whole groups or nothing; the message says what to do."""
    with pytest.raises(
        InputError, match=rf"events\.gz: cannot be decompressed or read \(.*{said}.*\); fetch the file again"
    ):
        ingest(tmp_path, content, "events.gz")


def test_groups_before_a_break_stay_and_are_known_again(tmp_path: Path) -> None:
    """An archive that breaks late has given whole groups; the complete file goes on after them."""
    lines = "".join(f"{line(id=f'e{number:05}', note=str(number) * 40)}\n" for number in range(200))
    whole = gzip.compress(lines.encode())
    path = tmp_path / "events.gz"
    path.write_bytes(whole[:-200])
    company = Company(tmp_path)
    with pytest.raises(InputError, match="fetch the file again"):
        company.ingest(path, group_bytes=4000)
    kept = len(accepted(company.engine))
    assert 0 < kept < 200
    path.write_bytes(whole)
    report = company.ingest(path, group_bytes=4000)[0]
    assert (report.already, report.accepted, report.duplicate) == (kept, 200 - kept, 0)


def test_half_a_character_of_utf_16_is_an_error(tmp_path: Path) -> None:
    """UTF-16 that ends in the middle of a character was cut."""
    with pytest.raises(InputError, match="is not utf-16"):
        ingest(tmp_path, TWO.encode("utf-16")[:-1])


@pytest.mark.parametrize("content", [b"\n\n", b"\xef\xbb\xbf", gzip.compress(b"")], ids=["blank", "BOM", "gzip"])
def test_a_file_without_rows_is_no_error(tmp_path: Path, content: bytes) -> None:
    """It was readable, and there was nothing in it."""
    assert accepted(ingest(tmp_path, content).engine) == []


def test_an_empty_file_is_most_likely_a_mistake(tmp_path: Path) -> None:
    """A file of no bytes is what a failed download leaves."""
    with pytest.raises(InputError, match=r"events\.ndjson: is empty; name a file with one CloudEvent a line"):
        ingest(tmp_path, b"")
    with pytest.raises(InputError, match="is no file"):
        Company(tmp_path).ingest(tmp_path)


def test_a_line_of_ten_megabytes_is_a_line(tmp_path: Path) -> None:
    """One huge event is read, and refused whole where it must be."""
    note = "x" * 10_000_000
    huge = line(id="b", data={"order_id": "o1", "note": note})
    broken = line(id="c", data={"order_id": "o1", "total": "a lot", "note": note})
    company = ingest(tmp_path, f"{huge}\n{broken}\n{line()}\n".encode())
    assert accepted(company.engine) == ["a", "b"]
    assert company.engine.value("SELECT raw FROM quarantine").strip() == broken


def test_a_line_that_does_not_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file without line ends is not read into memory to its end."""
    monkeypatch.setattr("perunit.facts.lines.LINE_BYTES_MAX", 5000)
    path = tmp_path / "endless"
    path.write_bytes(b"x" * 20_000)
    with groups_of(1000), pytest.raises(InputError, match=r"no line end within .* bytes, a line may have 5,000"):
        list(line_groups(path))


def test_lines_are_never_cut_and_are_grouped_alike_every_time(tmp_path: Path) -> None:
    """The groups are whole lines, together the file, and have the same digests when read again."""
    path = tmp_path / "lines"
    path.write_text("".join(f"{number}-{'y' * (number % 70)}\n" for number in range(500)), encoding="utf-8")
    with groups_of(300):
        groups, again = list(line_groups(path)), list(line_groups(path))
    text = "".join(part for group in groups for part in group.rows["line"].to_pylist())
    positions = [place for group in groups for place in group.rows["position"].to_pylist()]
    assert len(groups) > 10
    assert text == path.read_text(encoding="utf-8")
    assert positions == list(range(1, 501))
    assert [group.digest for group in groups] == [group.digest for group in again]
    assert groups[-1].bytes_done == path.stat().st_size


def test_a_json_document_holds_one_event_or_an_array(tmp_path: Path) -> None:
    """``.json`` is read whole; what is no object in the array is refused with its place in it."""
    array = f"[{line(id='a')}, 5, {line(id='b')}]"
    company = ingest(tmp_path, array.encode(), "events.json")
    assert accepted(company.engine) == ["a", "b"]
    assert refusals(company.engine) == [(2, *NOT_JSON)]
    company = ingest(tmp_path, gzip.compress(line(id="c").encode()), "one.json.gz")
    assert accepted(company.engine) == ["c"]


def test_a_json_document_keeps_every_digit_of_a_number(tmp_path: Path) -> None:
    """A number is read as it is written, not through a float."""
    text = line().replace('"1"}', "123456789012345.123456789012}")
    company = ingest(tmp_path, f"[{text}]".encode(), "events.json")
    assert str(company.engine.value("SELECT revenue FROM events")) == "123456789012345.123456789012"


@pytest.mark.parametrize("content", [b'[{"id": 1}', b"[" * 100_000, b"\xff[]"], ids=["cut", "deep", "not UTF-8"])
def test_a_json_document_that_is_none_is_an_error(tmp_path: Path, content: bytes) -> None:
    """Nothing of a broken document is kept, since where its records end cannot be known."""
    with pytest.raises(InputError, match=r"events\.json: is not JSON \(.*\); correct it, or use ndjson"):
        ingest(tmp_path, content, "events.json")
    with pytest.raises(InputError, match="cannot be decompressed"):
        ingest(tmp_path, gzip.compress(json.dumps([1] * 9000).encode())[:-9], "events.json")
