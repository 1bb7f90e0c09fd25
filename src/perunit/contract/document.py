"""YAML with its line numbers. Enters: a file a person wrote. Leaves: plain values and their lines, or faults.

Scalars keep their text: ``0.10`` stays ``'0.10'`` for a Decimal to be made of, ``no`` stays a country. Only
whole numbers, ``true``, ``false`` and ``null`` become values. Tags are refused, so nothing is constructed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import yaml
from yaml.composer import Composer
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.resolver import BaseResolver
from yaml.scanner import Scanner

from perunit.model.errors import Fault

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path as File

__all__ = ["Document", "Path", "decode", "did_you_mean", "parse_document", "place", "read_document", "shown"]

Path = tuple[str | int, ...]

_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_DEFAULT_TAGS = {"tag:yaml.org,2002:str", "tag:yaml.org,2002:seq", "tag:yaml.org,2002:map"}
# Aliases can make a short file stand for a huge one; no contract comes near this many values.
_VALUES_MAX = 200_000
_DEPTH_MAX = 60
_MENDS = {
    "found character that cannot start any token": "indent with spaces; quote text that starts with a symbol",
    "mapping values are not allowed in this context": "quote text with ': ' in it, or indent it right",
    "found undefined alias": "define the anchor with & above its use",
    "but found another document": "keep one document in a file; take the --- away",
    "found unexpected end of stream": "close the quotes",
}


def place(path: Path) -> str:
    """A path as a person reads it; items of a list count from 1.

    >>> place(("allocation", 0, "match"))
    'allocation.1.match'
    """
    return ".".join(str(step + 1) if isinstance(step, int) else step for step in path)


def shown(value: object) -> str:
    """A value as a message quotes it, shortened."""
    if value is None:
        return "nothing"
    if isinstance(value, dict | list | tuple):
        return "a mapping" if isinstance(value, dict) else "a list"
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= 120 else text[:117] + "…" + text[-1]


def did_you_mean(word: str, known: Iterable[str], otherwise: str, *, cutoff: float = 0.6) -> str:
    """The mend for an unknown word: the nearest known one, or `otherwise`.

    >>> did_you_mean("regon", ["region", "plan"], "declare it")
    'did you mean region?'
    """
    near = get_close_matches(word, list(known), n=1, cutoff=cutoff)
    return f"did you mean {near[0]}?" if near else otherwise


@dataclass(frozen=True, slots=True)
class Document:
    """What one file holds. `data` is None where the file could not be read; then `faults` say why."""

    file: str
    data: Any
    lines: dict[Path, int] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()

    def line(self, path: Path) -> int | None:
        """The line of a value, or of the nearest thing around it that is in the file."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.lines:
                return self.lines[path[:end]]
        return None

    def get(self, path: Path) -> Any:
        """The value at a path, None where there is none."""
        value = self.data
        for step in path:
            try:
                value = value[step]
            except (KeyError, IndexError, TypeError):
                return None
        return value

    def fault(self, path: Path, rule: str, mend: str, got: str | None = None) -> Fault:
        """A fault at a path; what was got is read from the file unless told."""
        if got is None:
            value = self.get(path)
            got = "" if value is None else shown(value)
        return Fault(self.file, self.line(path), place(path), got, rule, mend)


class _RefusedError(Exception):
    """The whole file is refused for one fault."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(str(fault))


class _PlainLoader(Reader, Scanner, Parser, Composer, BaseResolver):
    """Composes nodes without resolving any scalar: every tag that is not a default was written by hand."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)
        Composer.__init__(self)
        BaseResolver.__init__(self)


if yaml.__with_libyaml__:
    from yaml.cyaml import CParser  # type: ignore[attr-defined]

    class _FastLoader(CParser, BaseResolver):
        """The same over libyaml, some ten times faster."""

        def __init__(self, text: str) -> None:
            CParser.__init__(self, text)
            BaseResolver.__init__(self)

    _Loader: Any = _FastLoader
else:  # pragma: no cover - wheels carry libyaml
    _Loader = _PlainLoader


def read_document(path: File, file: str) -> Document:
    """Reads one YAML file; `file` is its name in messages. Never raises for what the file holds."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        rule = "must be a readable file"
        return _refused(Fault(file, None, "file", error.strerror or type(error).__name__, rule, "correct its rights"))
    text = decode(raw, file)
    return _refused(text) if isinstance(text, Fault) else parse_document(text, file)


def decode(raw: bytes, file: str) -> str | Fault:
    """The text of a file: UTF-8, or UTF-16 where a byte order mark says so."""
    encoding = "utf-16" if raw[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig"
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        got = " ".join(f"0x{byte:02x}" for byte in raw[error.start : error.start + 4])
        return Fault(file, line, "text", got, "must be UTF-8 text", "save the file as UTF-8")


def parse_document(text: str, file: str) -> Document:
    """The values of YAML text; faults for every duplicate key and tag, or one for broken syntax."""
    try:
        node = _compose(text, file)
        if node is None:
            rule, mend = "must not be empty", "write at least its required keys"
            raise _RefusedError(Fault(file, 1, "file", "an empty file", rule, mend))
        builder = _Builder(file)
        data = builder.value(node, ())
    except _RefusedError as refused:
        return _refused(refused.fault)
    return Document(file, data, builder.lines, tuple(builder.faults))


def _refused(fault: Fault) -> Document:
    return Document(fault.file, None, {}, (fault,))


def _compose(text: str, file: str) -> yaml.Node | None:
    if text.count("[") + text.count("{") > _VALUES_MAX:
        raise _RefusedError(Fault(file, 1, "file", "too many brackets", "must be a readable file", "make it smaller"))
    loader: Any = None
    try:
        loader = _Loader(text)
        node: yaml.Node | None = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        raise _RefusedError(_syntax_fault(error, text, file)) from error
    except yaml.YAMLError as error:
        line = text[: getattr(error, "position", 0) or 0].count("\n") + 1
        got = str(getattr(error, "reason", error))
        raise _RefusedError(Fault(file, line, "text", got, "must be printable text", "remove the character")) from error
    except RecursionError as error:
        raise _RefusedError(_too_deep(file, 1)) from error
    finally:
        if loader is not None:
            loader.dispose()
    return node


def _too_deep(file: str, line: int) -> Fault:
    return Fault(file, line, "file", "deeply nested text", "must be nested less deeply", "flatten it")


def _syntax_fault(error: yaml.MarkedYAMLError, text: str, file: str) -> Fault:
    mark = error.problem_mark or error.context_mark
    number = mark.line + 1 if mark else 1
    lines = text.splitlines()
    got = shown(lines[number - 1].strip()) if number <= len(lines) else "the end of the file"
    problem = error.problem or "not understood"
    column = f", column {mark.column + 1}" if mark else ""
    rule = f"must be YAML ({problem}{column})"
    return Fault(
        file,
        number,
        "syntax",
        got,
        rule,
        _MENDS.get(problem, "correct the syntax of this line or the one above"),
    )


class _Builder:
    """Turns nodes into plain values once, noting the line of each path and every fault on the way."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.lines: dict[Path, int] = {}
        self.faults: list[Fault] = []
        self._open: set[int] = set()

    def value(self, node: yaml.Node, path: Path) -> Any:
        line = node.start_mark.line + 1
        self.lines.setdefault(path, line)
        if id(node) in self._open:
            rule = "must not contain itself"
            raise _RefusedError(
                Fault(self.file, line, place(path) or "file", "an alias of its own", rule, "write it out")
            )
        if len(self.lines) > _VALUES_MAX:
            rule = f"must hold at most {_VALUES_MAX} values"
            raise _RefusedError(Fault(self.file, line, place(path), "too many values", rule, "split the file"))
        if len(path) > _DEPTH_MAX:
            raise _RefusedError(_too_deep(self.file, line))
        if node.tag not in _DEFAULT_TAGS:
            mend = "write the plain value, in quotes where it should be text"
            self.faults.append(Fault(self.file, line, place(path) or "file", node.tag, "must carry no tag", mend))
            return None
        if isinstance(node, yaml.ScalarNode):
            return _scalar(node)
        self._open.add(id(node))
        try:
            return self._mapping(node, path) if isinstance(node, yaml.MappingNode) else self._sequence(node, path)
        finally:
            self._open.discard(id(node))

    def _sequence(self, node: yaml.Node, path: Path) -> list[Any]:
        return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]

    def _mapping(self, node: yaml.Node, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        first: dict[str, int] = {}
        merged: list[yaml.Node] = []
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag not in _DEFAULT_TAGS:
                mend = "write a word before the colon"
                self.faults.append(Fault(self.file, line, place(path) or "file", "", "a key must be a word", mend))
                continue
            key = key_node.value
            if key == "<<" and not key_node.style:
                merged += value_node.value if isinstance(value_node, yaml.SequenceNode) else [value_node]
                continue
            if key in first:
                rule = f"a key must appear once, and this one is on line {first[key]} already"
                self.faults.append(Fault(self.file, line, place((*path, key)), repr(key), rule, "keep one of the two"))
                continue
            first[key] = line
            self.lines[(*path, key)] = line
            found[key] = self.value(value_node, (*path, key))
        for parent in merged:
            self._merge(found, parent, path)
        return found

    def _merge(self, found: dict[str, Any], parent: yaml.Node, path: Path) -> None:
        """``<<: *anchor``: what is written here wins over what is merged in."""
        if not isinstance(parent, yaml.MappingNode):
            line = parent.start_mark.line + 1
            mend = "give the alias of a mapping"
            self.faults.append(Fault(self.file, line, place((*path, "<<")), "", "must be a mapping", mend))
            return
        for key, value in self.value(parent, path).items():
            found.setdefault(key, value)


def _scalar(node: yaml.ScalarNode) -> str | int | bool | None:
    text: str = node.value
    if node.style:
        return text
    if text in {"", "~", "null", "Null", "NULL"}:
        return None
    if text in {"true", "false"}:
        return text == "true"
    return int(text) if _WHOLE.fullmatch(text) else text
