"""A JSON array becomes its elements, byte for byte, without being parsed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perunit.facts.arrivals import DoorError
from perunit.facts.doors.elements import array_elements

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(["\\", '"', "[", "]},{", "\\\\", "é"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


def texts(body: bytes) -> list[str]:
    """The elements' text, without the space around it."""
    return [line.strip() for line in array_elements(body)["line"].to_pylist()]


@given(st.lists(VALUES, max_size=6), st.sampled_from([None, 1]), st.booleans(), st.sampled_from(["", " ", "\r\n\t"]))
def test_elements_are_their_own_text(values: list[Any], indent: int | None, ascii_only: bool, around: str) -> None:
    """Whatever is nested in an array, however it is spaced and escaped: as many elements, each with its own value."""
    body = f"{around}{json.dumps(values, indent=indent, ensure_ascii=ascii_only)}{around}".encode("utf-8", "replace")
    expected = json.loads(body)
    rows = array_elements(body)
    assert [json.loads(line) for line in rows["line"].to_pylist()] == expected
    assert rows["position"].to_pylist() == list(range(len(values)))


def test_numbers_keep_their_digits() -> None:
    """No number is read, so none is rounded or written otherwise."""
    body = b'[{"total": 1.10, "big": 12345678901234567890.123456789, "exp": 1e-7}, 0.30000000000000001]'
    assert texts(body) == ['{"total": 1.10, "big": 12345678901234567890.123456789, "exp": 1e-7}', "0.30000000000000001"]


@pytest.mark.parametrize("run", range(1, 7))
def test_backslashes_before_a_quote(run: int) -> None:
    """A quote after an odd run of backslashes is text, after an even one it ends the string."""
    slashes = "\\" * run
    first = f'"{slashes}"' if run % 2 == 0 else f'"{slashes}"x"'
    body = f'[{first}, {{"a": "],["}}]'.encode()
    assert [json.loads(each) for each in texts(body)] == json.loads(body)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "from [ to ]"),
        (b"{}", "from [ to ]"),
        (b"[", "from [ to ]"),
        (b'[{"a": 1}', "from [ to ]"),
        (b'[{"a": "]', "a string that does not end"),
        (b'[{"a": 1]', "brackets that do not pair"),
        (b'[{"a": 1}}, {"b": 2]', "brackets that do not pair"),
        (b"[], []", "brackets that do not pair"),
        (b"[1], [2]", "brackets that do not pair"),
        (b'["\\"]', "a string that does not end"),
    ],
)
def test_what_is_no_array_is_refused_whole(body: bytes, reason: str) -> None:
    """Where the array itself is broken nobody knows where an element starts."""
    with pytest.raises(DoorError, match="Not a batch of events") as refused:
        array_elements(body)
    assert refused.value.status == 400
    assert reason in refused.value.detail


def test_a_broken_element_is_an_element() -> None:
    """It is refused as a row later, and its neighbours are not touched."""
    assert texts(b'[{"a":1}, {"b" 2}, , \xff, {"c":3}]') == ['{"a":1}', '{"b" 2}', "", "\\xff", '{"c":3}']


def test_nesting_may_be_deep() -> None:
    """A million brackets cost a million bytes, not a million frames."""
    deep = b"[" * 1_000_000 + b"]" * 1_000_000
    assert len(texts(b"[" + deep + b"," + deep + b"]")) == 2


@given(st.binary(max_size=200))
def test_any_bytes_are_split_or_refused(body: bytes) -> None:
    """Nothing but DoorError comes of any bytes, and what is split is text."""
    try:
        rows = array_elements(b"[" + body + b"]")
    except DoorError:
        return
    rows.validate(full=True)
