"""Checks one SQL expression. Enters: text a person wrote. Leaves: its columns and SQL, or an error.

An expression computes one value from one row, the same value every time: no queries, aggregates, windows or
parameters, nothing outside the row (files, settings, the clock, chance). What is run is written out from the
tree that was checked, never the text itself, and only functions of an allow-list are written.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

from sqlglot import ErrorLevel, exp
from sqlglot.dialects import DuckDB
from sqlglot.errors import ParseError, SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from perunit.contract.functions import FUNCTIONS, REFUSED, SYNTAX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Checked", "ExpressionError", "Reference", "check_type", "outcome_expression", "parse"]


class _Verbatim(DuckDB):  # type: ignore[misc]
    """DuckDB's dialect without knowledge of its functions, so that a call is written out as it was read.

    Knowing them, the parser would translate: it drops arguments it does not expect and renames what it
    believes to be the same. Only calls with words of their own between the brackets are kept apart.
    """

    class Parser(DuckDB.Parser):  # type: ignore[misc]
        FUNCTIONS: ClassVar[dict[str, Any]] = {}
        FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {
            name: DuckDB.Parser.FUNCTION_PARSERS[name] for name in ("CAST", "TRY_CAST", "EXTRACT")
        }
        NO_PAREN_FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {
            name: DuckDB.Parser.NO_PAREN_FUNCTION_PARSERS[name] for name in ("CASE", "@")
        }


_DIALECT = _Verbatim()
_PLAIN = re.compile(r"[^\".\[\]']+")
_PRIMARY = re.compile(r'([A-Za-z_]\w*|"([^"]|"")*")(\.([A-Za-z_]\w*|"([^"]|"")*"))*')
_WORD = re.compile(r"[^\W\d][\w$]*")
_PREFIX = "SELECT "
# Anything else is refused, so that a new kind of syntax is refused until it is looked at.
_VALUES = (exp.Column, exp.Identifier, exp.Literal, exp.RawString, exp.Boolean, exp.Null, exp.Paren, exp.Var)
_ARITHMETIC = (exp.Neg, exp.Add, exp.Sub, exp.Mul, exp.Div, exp.IntDiv, exp.Mod, exp.Pow, exp.Abs, exp.DPipe)
_BITS = (exp.BitwiseAnd, exp.BitwiseOr, exp.BitwiseLeftShift, exp.BitwiseRightShift)
_EQUAL = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ)
_TRUTH = (exp.And, exp.Or, exp.Not, exp.Is, exp.In, exp.Between, exp.Like, exp.ILike, exp.Escape, exp.StartsWith)
_PREDICATES = (exp.Is, exp.In, exp.Between, exp.Like, exp.ILike)
_NESTED = (exp.Bracket, exp.Slice, exp.Dot, exp.Array, exp.Struct, exp.PropertyEQ, exp.Lambda)
_LISTS = (exp.ArrayOverlaps, exp.ArrayContainsAll)
_JSON = (exp.JSONExtract, exp.JSONExtractScalar, exp.JSONPath, exp.JSONPathPart)
_CALLS = (exp.Anonymous, exp.Cast, exp.Case, exp.If, exp.Extract, exp.Interval, exp.AtTimeZone)
_CASTS = (exp.DataType, exp.DataTypeParam, exp.ColumnDef)
_NODES = (*_VALUES, *_ARITHMETIC, *_BITS, *_EQUAL, *_TRUTH, *_NESTED, *_LISTS, *_JSON, *_CALLS, *_CASTS)
_UNITS = frozenset(
    """microsecond millisecond second minute hour day week month quarter year decade century millennium
    epoch dow isodow doy isoyear yearweek""".split()  # noqa: SIM905 - a list of words
)
_QUOTED = {TokenType.STRING, TokenType.IDENTIFIER, TokenType.RAW_STRING, TokenType.HEREDOC_STRING}
_MATCHES = {TokenType.SIMILAR_TO, TokenType.TILDE, TokenType.GLOB}
_TYPES = frozenset(
    exp.DType[name]
    for names in (
        ("BOOLEAN", "TINYINT", "SMALLINT", "INT", "BIGINT", "INT128", "FLOAT", "DOUBLE", "DECIMAL"),
        ("UTINYINT", "USMALLINT", "UINT", "UBIGINT", "UINT128", "VARCHAR", "TEXT", "CHAR", "UUID", "JSON"),
        (
            "DATE",
            "TIME",
            "TIMESTAMP",
            "TIMESTAMPNTZ",
            "TIMESTAMPTZ",
            "TIMESTAMP_S",
            "TIMESTAMP_MS",
            "TIMESTAMP_NS",
        ),
        ("INTERVAL", "STRUCT", "MAP", "LIST", "ARRAY"),
    )
    for name in names
)


class ExpressionError(Exception):
    """An expression is refused: what of it (`got`), the rule it breaks and how to mend it."""

    def __init__(self, got: str, rule: str, mend: str) -> None:
        self.got, self.rule, self.mend = got, rule, mend
        super().__init__(f"got {got!r}, {rule}; {mend}")


@dataclass(frozen=True, slots=True)
class Reference:
    """A column, or what is inside it: ``tags['task']`` has the parts ``("tags", "task")``.

    `text` is a plain column's own name; a part with a dot, quote or bracket in it is in double quotes.
    """

    parts: tuple[str, ...]
    text: str

    @property
    def root(self) -> str:
        """The column itself, in lower case."""
        return self.parts[0].lower()


@dataclass(frozen=True, slots=True)
class Checked:
    """An expression that may be run. Column names are compared without case, as DuckDB does."""

    text: str
    references: tuple[Reference, ...]
    _tree: exp.Paren

    @property
    def columns(self) -> tuple[str, ...]:
        """The text of each reference once, in order: ``("data.total", "tags['task']", "Customer ID")``."""
        return tuple(reference.text for reference in self.references)

    def render(self, rename: Callable[[str], str]) -> str:
        """DuckDB SQL, every reference replaced by what `rename` gives for its text in `columns`."""
        tree = self._tree.copy()
        spelled = {_key(node): reference.text for reference, node in _unique(tree)}
        for _, node in list(_references(tree)):
            sql = rename(spelled[_key(node)])
            node.replace(exp.Var(this=sql if _PRIMARY.fullmatch(sql) else f"({sql})"))
        return _sql(tree.this)

    @property
    def literals(self) -> frozenset[str] | None:
        """Every text it can give where that is plain to see (constants, cases of them), otherwise None."""
        return _literals(self._tree)

    @property
    def divides(self) -> bool:
        """Whether it uses ``/``, which leaves the exact decimals for floating point."""
        return self._tree.find(exp.Div) is not None


@lru_cache(maxsize=2048)
def parse(text: str) -> Checked:
    """The checked form of an expression.

    >>> parse("case when data.total > 0 then data.total end").columns
    ('data.total',)
    >>> parse("price * quantity").render(lambda column: f'"t"."{column}"')
    '"t"."price" * "t"."quantity"'
    """
    try:
        tree = _parsed(text)
        _check_nodes(tree)
        sql = _sql(tree.this)
        _check_names(_tokens(sql))
        return Checked(text, tuple(reference for reference, _ in _unique(tree)), tree)
    except RecursionError as error:
        raise ExpressionError(text[:80], "must be nested less deeply", "split it or simplify it") from error


def outcome_expression(text: str) -> Checked:
    """An event type's outcome: the plain word ``success`` or ``failure`` stands for itself.

    >>> outcome_expression("success").render(str)
    "'success'"
    """
    word = text.strip()
    return parse(f"'{word}'" if word in {"success", "failure"} else text)


def check_type(text: str) -> None:
    """Refuses what is not one of DuckDB's plain column types, such as ``DECIMAL(18, 4)``."""
    # The bounds keep `text` from being more than the type of one cast.
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_ (),\[\]\"]*", text):
        raise ExpressionError(text, "must be a DuckDB type", "write for example VARCHAR, DATE or DECIMAL(18, 4)")
    if not isinstance(parse(f"CAST(x AS {text})")._tree.this, exp.Cast):  # noqa: SLF001 - its own kind
        raise ExpressionError(text, "must be a DuckDB type", "write for example VARCHAR, DATE or DECIMAL(18, 4)")


def _parsed(text: str) -> exp.Paren:
    if not text.strip():
        raise ExpressionError(text, "must be an expression", "write one, such as quantity * price")
    if any(character == "\0" or "\ud800" <= character <= "\udfff" for character in text):
        raise ExpressionError(ascii(text), "must be readable text", "remove the stray character")
    tokens = _tokens(_PREFIX + text)[1:]
    if not tokens:
        raise ExpressionError(text, "must be an expression", "write one beside the comment")
    _check_names(tokens)
    _check_tokens(tokens)
    try:
        statements = _DIALECT.parse(_PREFIX + text)
    except ParseError as error:
        raise _syntax_error(error, text) from error
    except (SqlglotError, ValueError, TypeError, AttributeError, KeyError, IndexError) as error:
        # The parser answers some broken texts with these instead of its own error.
        raise ExpressionError(text, "must be an expression", "correct its syntax") from error
    select = statements[0] if len(statements) == 1 else None
    if not isinstance(select, exp.Select) or len(select.expressions) != 1:
        raise ExpressionError(text, "must be one expression", "write a single value, not a query or a list of values")
    if any(value for name, value in select.args.items() if name != "expressions"):
        raise ExpressionError(text, "must be one expression", "take the clauses of a query away")
    return exp.Paren(this=select.expressions[0].pop())


def _syntax_error(error: ParseError, text: str) -> ExpressionError:
    first = error.errors[0] if error.errors else {}
    got = str(first.get("highlight") or "")
    got = got if got in text and got else text
    detail = str(first.get("description") or "").strip().rstrip(".").lower()
    if "missing" in detail:
        detail = "a value is missing after it"
    rule = f"must be an expression ({detail})" if detail else "must be an expression"
    return ExpressionError(got, rule, "correct its syntax; text stands in single quotes, odd names in double ones")


def _tokens(sql: str) -> list[Token]:
    try:
        tokens: list[Token] = _DIALECT.tokenize(sql)
    except (SqlglotError, ValueError, IndexError) as error:
        mend = "close every quote; text stands in single quotes, odd names in double ones"
        raise ExpressionError(sql.removeprefix(_PREFIX), "must be an expression", mend) from error
    return tokens


def _check_tokens(tokens: list[Token]) -> None:
    """What the tree no longer shows: statement ends, and ``~``, which the tree reads as another match."""
    if tokens[0].token_type in {TokenType.ALL, TokenType.DISTINCT}:
        raise ExpressionError(tokens[0].text, "must be one expression", "take the word away")
    for token in tokens:
        if token.token_type is TokenType.SELECT:
            raise ExpressionError(token.text, "must not contain a query", "use the columns of the row only")
        if token.token_type is TokenType.SEMICOLON:
            raise ExpressionError(";", "must be one expression", "take the semicolon away")
        if token.token_type in _MATCHES or ("~" in token.text and token.token_type not in _QUOTED):
            mend = "write regexp_full_match(text, pattern) or regexp_matches(text, pattern)"
            raise ExpressionError(token.text, "must match with a function", mend)


def _check_names(tokens: list[Token]) -> None:
    """Every word before an opening bracket is an allowed function or a word of the syntax."""
    for word, bracket in pairwise(tokens):
        if bracket.token_type is not TokenType.L_PAREN or not re.match(r"\w", word.text):
            continue
        name = word.text.lower()
        if word.token_type in {TokenType.STRING, TokenType.NUMBER}:
            continue
        if name not in FUNCTIONS and (name not in SYNTAX or word.token_type is TokenType.IDENTIFIER):
            raise _unknown_function(name)


def _unknown_function(name: str) -> ExpressionError:
    for names, rule, mend in REFUSED:
        if name in names:
            return ExpressionError(name, rule, mend)
    near = get_close_matches(name, sorted(FUNCTIONS), n=1, cutoff=0.7)
    mend = f"did you mean {near[0]}?" if near else "use one of the functions listed in the contract's README"
    return ExpressionError(name, "must be an allowed function", mend)


def _check_nodes(tree: exp.Expr) -> None:
    for node in tree.walk():
        _check_node(node)


def _check_node(node: exp.Expr) -> None:
    for kinds, got, rule, mend in _REFUSED_NODES:
        if isinstance(node, kinds):
            raise ExpressionError(got or node.name or node.key, rule, mend)
    if not isinstance(node, _NODES):
        raise ExpressionError(node.key, "must be made of values, operators and functions", "write it another way")
    if isinstance(node, exp.Identifier) and not (node.name if node.quoted else _WORD.fullmatch(node.name)):
        raise ExpressionError(node.name, "must name its columns", "write the column's name, in double quotes if odd")
    if isinstance(node, exp.Anonymous) and node.name.lower() not in FUNCTIONS:
        raise _unknown_function(node.name.lower())
    if isinstance(node, exp.DataType):
        _check_data_type(node)
    if isinstance(node, exp.Dot) and not isinstance(node.expression, exp.Identifier):
        raise ExpressionError("a method call", "must call functions by name", "write f(x) instead of x.f()")
    if _is_incomplete(node):
        raise ExpressionError(node.key, "must be an expression (a part is missing or misplaced)", "correct its syntax")


_REFUSED_NODES: tuple[tuple[tuple[type[exp.Expr], ...], str, str, str], ...] = (
    (
        (exp.Query, exp.Subquery, exp.Exists, exp.Values),
        "a query",
        "must not contain a query",
        "use the columns of the row only",
    ),
    ((exp.Star, exp.Columns), "*", "must name its columns", "write the column's name"),
    (
        (exp.Placeholder, exp.Parameter, exp.SessionParameter, exp.PositionalColumn),
        "a parameter",
        "must not contain parameters",
        "write the value or the column's name",
    ),
    (
        (exp.Window, exp.AggFunc),
        "a window",
        "must look at one row",
        "give the row's own value; other rows cannot be seen",
    ),
    ((exp.Alias,), "", "must not name its result", "take the name away"),
    (
        (
            *(exp.CurrentDate, exp.CurrentTime, exp.CurrentTimestamp, exp.CurrentDatetime, exp.CurrentUser),
            *(exp.CurrentCatalog, exp.CurrentRole, exp.Localtime, exp.Localtimestamp, exp.SessionUser),
        ),
        "",
        "must give the same value on every run",
        "use a column of the row",
    ),
)


def _check_data_type(node: exp.DataType) -> None:
    nested = node.this in {exp.DType.LIST, exp.DType.ARRAY, exp.DType.MAP, exp.DType.STRUCT}
    if node.this not in _TYPES or (nested and not node.expressions):
        got = node.this.value if isinstance(node.this, exp.DType) else str(node.this)
        raise ExpressionError(got, "must cast to a plain type", "use a type such as VARCHAR or DECIMAL(18, 4)")


def _is_incomplete(node: exp.Expr) -> bool:
    """What the parser lets through although DuckDB's own would not."""
    for chain in (_PREDICATES, _EQUAL):
        if isinstance(node, chain) and isinstance(node.parent, chain):
            return True
    if isinstance(node, exp.In):
        return not (node.expressions or node.args.get("field"))
    if isinstance(node, exp.Bracket | exp.Anonymous):
        return not node.expressions
    if isinstance(node, exp.DataType):
        return not isinstance(node.parent, exp.Cast | exp.DataType | exp.ColumnDef)
    if isinstance(node, exp.Interval):
        return not isinstance(node.args.get("unit"), exp.Var)
    if isinstance(node, exp.Var):
        return node.name.lower().removesuffix("s") not in _UNITS
    if isinstance(node, exp.Is):
        return not isinstance(node.expression, exp.Null | exp.Boolean)
    if isinstance(node, exp.PropertyEQ):
        call = node.parent
        return not (
            isinstance(call, exp.Struct) or (isinstance(call, exp.Anonymous) and call.name.lower() == "struct_pack")
        )
    if isinstance(node, exp.Lambda):
        return not isinstance(node.parent, exp.Anonymous)
    if isinstance(node, exp.Not):
        return isinstance(node.parent, exp.Binary | exp.Neg | exp.Between) and not isinstance(
            node.parent, exp.Connector
        )
    return isinstance(node, exp.Dot) and isinstance(node.this, exp.Literal)


def _sql(node: exp.Expression) -> str:
    tree = exp.Paren(this=node.copy())
    for arrow in list(tree.find_all(exp.JSONExtract, exp.JSONExtractScalar)):
        # DuckDB binds arrows more loosely than comparisons; brackets make the tree's reading hold.
        if arrow.parent is not tree and not isinstance(arrow.parent, exp.Paren):
            arrow.replace(exp.Paren(this=arrow.copy()))
    for name in tree.find_all(exp.Identifier):
        if not isinstance(name.parent, exp.PropertyEQ):
            name.set("quoted", True)
    try:
        sql: str = tree.this.sql(_DIALECT, comments=False, unsupported_level=ErrorLevel.RAISE)
    except (SqlglotError, ValueError, TypeError, AttributeError, KeyError, IndexError) as error:
        raise ExpressionError("an expression", "must be supported on every engine", "write it another way") from error
    return sql


def _references(node: exp.Expression) -> Iterator[tuple[Reference, exp.Expression]]:
    """The longest references, in the order of the tree."""
    steps = _steps(node)
    if steps is not None:
        yield Reference(tuple(name for name, _ in steps), _text(steps)), node
        return
    for child in node.iter_expressions():
        yield from _references(child)


def _unique(tree: exp.Expression) -> Iterator[tuple[Reference, exp.Expression]]:
    seen: set[tuple[str, ...]] = set()
    for reference, node in _references(tree):
        if _key(node) not in seen:
            seen.add(_key(node))
            yield reference, node


def _steps(node: exp.Expression) -> list[tuple[str, bool]] | None:
    """(name, whether it is a key in brackets) of each part, or None where `node` is not a reference."""
    if isinstance(node, exp.Column):
        return [(part.name, False) for part in node.parts]
    if isinstance(node, exp.Dot):
        before = _steps(node.this)
        return None if before is None else [*before, (node.expression.name, False)]
    if isinstance(node, exp.Bracket) and len(node.expressions) == 1:
        before, key = _steps(node.this), node.expressions[0]
        if before is not None and isinstance(key, exp.Literal) and key.is_string:
            return [*before, (key.name, True)]
    return None


def _key(node: exp.Expression) -> tuple[str, ...]:
    return tuple(f"['{name}']" if keyed else name.lower() for name, keyed in _steps(node) or [])


def _text(steps: list[tuple[str, bool]]) -> str:
    """How messages and `columns` write a reference.

    >>> _text([("tags", False), ("a.b", True)]), _text([("Customer ID", False)]), _text([("x.y", False)])
    ("tags['a.b']", 'Customer ID', '"x.y"')
    """
    text = ""
    for name, keyed in steps:
        if keyed:
            text += "['" + name.replace("'", "''") + "']"
        else:
            part = name if _PLAIN.fullmatch(name) else '"' + name.replace('"', '""') + '"'
            text += f".{part}" if text else part
    return text


def _literals(node: exp.Expression | None) -> frozenset[str] | None:
    if node is None or isinstance(node, exp.Null):
        return frozenset()
    if isinstance(node, exp.Paren):
        return _literals(node.this)
    if isinstance(node, exp.Literal):
        return frozenset({node.name}) if node.is_string else None
    if isinstance(node, exp.Case):
        branches = [*(part.args["true"] for part in node.args["ifs"]), node.args.get("default")]
    elif isinstance(node, exp.Anonymous) and node.name.lower() == "if":
        branches = node.expressions[1:]
    else:
        return None
    found = [_literals(branch) for branch in branches]
    return None if None in found else frozenset().union(*(values for values in found if values is not None))
