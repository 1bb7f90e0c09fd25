"""Expressions: what is allowed means the same after checking, and what is not allowed has no way in."""

from __future__ import annotations

import json

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perunit.contract.expression import ExpressionError, check_type, outcome_expression, parse
from perunit.contract.functions import FUNCTIONS

# Each column has a type of its own, so that an expression over them can be run.
ROW = """
SELECT 'C1234' AS invoice, 'a.b' AS "Customer ID", 5 AS quantity, -2 AS negative, 1.25::DECIMAL(18, 4) AS price,
    TIMESTAMP '2026-09-01 12:30:45' AS moment, DATE '2026-09-01' AS day, NULL::VARCHAR AS nothing, true AS flag,
    MAP {'task': 't1', 'a b': 'x'} AS tags, {'total': 9.5::DECIMAL(18, 2), 'items': [{'sku': 's1', 'n': 3}]} AS data,
    [3, 1, 2] AS numbers, '{"x": {"y": "z"}, "n": 5}'::JSON AS doc, '2026-09-01T10:00:00+02:00' AS stamp,
    {'workflow': {'id': 'w1'}} AS parent, 7 AS "user", 3 AS "x.y"
"""

MEANINGS = [
    "quantity * price",
    "-quantity * price",
    "quantity - -negative",
    "- - quantity",
    "quantity / 2",
    "quantity // 2",
    "quantity % 3",
    "quantity ** 2",
    "2 ^ 3",
    "@negative",
    "(quantity + 1) * 2",
    "quantity + 1 * 2",
    "10 - (5 - 2)",
    "100 / (5 * 2)",
    "abs(negative) + round(price, 1) + floor(price) + ceil(price) + sqrt(quantity) + power(2, 3) + mod(7, 4)",
    "greatest(quantity, negative, 3) - least(quantity, 2)",
    "price::DECIMAL(38, 12) * 3",
    "cast(quantity as varchar) || ':' || invoice",
    "try_cast(invoice as integer)",
    "try(1 / 0)",
    "coalesce(nothing, 'x')",
    "ifnull(nothing, 'y')",
    "nullif(quantity, 5)",
    "if(flag, 'a', 'b')",
    "case when starts_with(invoice, 'C') then 'order.refunded' else 'order.completed' end",
    "case quantity when 5 then 'five' when 6 then 'six' end",
    "invoice like 'C%'",
    "invoice not like '_1%'",
    "invoice ilike 'c%' and not flag or quantity > 3",
    "invoice like '!%' escape '!'",
    "quantity in (1, 5)",
    "quantity not in (1, 5)",
    "3 in numbers",
    "quantity between 1 and 5",
    "quantity not between 1 and 5",
    "nothing is null",
    "nothing is not null",
    "nothing is distinct from invoice",
    "nothing is not distinct from null",
    "flag is true",
    "not flag = false",
    "quantity <> 4 and quantity != 3 and quantity == 5",
    "quantity & 4 | 1",
    "quantity << 2",
    "\"Customer ID\" || 'x'",
    '"x.y" + 1',
    "user + 1",
    "'it''s'",
    "$$it's$$",
    "'line\nbreak'",
    "upper(invoice) || lower(invoice) || trim('  a ') || ltrim('xa', 'x') || rtrim('ax', 'x')",
    "left(invoice, 2) || right(invoice, 2) || substr(invoice, 2, 2) || substring(invoice, 2, 1)",
    "log10(100) + log2(8) + ln(2) + trunc(price) + sign(negative) + gcd(4, 6)",
    "map(['a'], [quantity])",
    "struct_pack(a := quantity)",
    "chr(65) || unicode(invoice)",
    "make_date(2026, 9, quantity)",
    "dayname(moment) || monthname(moment)",
    "invoice[1]",
    "invoice[2:3]",
    "strpos(invoice, '2') + instr(invoice, '2') + length(invoice) + len(numbers)",
    "replace(invoice, 'C', 'D') || reverse(invoice) || lpad(invoice, 8, '0') || rpad(invoice, 8, '0')",
    "split_part(\"Customer ID\", '.', 2)",
    "string_split(\"Customer ID\", '.')[1]",
    "concat(invoice, nothing, 'x')",
    "concat_ws('-', invoice, 'x')",
    "printf('%05d', quantity) || format('{}', invoice)",
    "regexp_matches(invoice, '[0-9]+')",
    "regexp_full_match(invoice, 'C[0-9]+')",
    "regexp_extract(invoice, 'C([0-9]+)', 1)",
    "regexp_replace(invoice, '[0-9]', '#', 'g')",
    "regexp_extract_all(invoice, '[0-9]')",
    "contains(invoice, '23') and ends_with(invoice, '4') and prefix(invoice, 'C') and suffix(invoice, '4')",
    "date_trunc('month', moment)",
    "date_trunc('day', moment)::timestamp",
    "date_diff('day', day, moment::date)",
    "date_part('hour', moment) + extract(year from moment) + hour(moment) + dayofweek(moment) + isodow(moment)",
    "moment + interval 3 day - interval '2' hour",
    "moment + to_days(quantity)",
    "strftime(moment, '%Y-%m-%d')",
    "strptime('01/09/2026', '%d/%m/%Y')",
    "try_strptime('x', '%d/%m/%Y')",
    "epoch(moment) + epoch_ms(moment)",
    "to_timestamp(1789000000) at time zone 'UTC'",
    "make_timestamp(1789000000000000)",
    "epoch_ms(1789000000000)",
    "moment at time zone 'Europe/London'",
    "timezone('UTC', stamp::timestamptz)",
    "time_bucket(interval '15 minutes', moment)",
    "date '2026-01-01' + 3",
    "timestamp '2026-01-01 10:00:00'",
    "last_day(day)",
    "tags['task']",
    "tags['a b']",
    "element_at(tags, 'task')",
    "map_keys(tags)[1]",
    "map_contains(tags, 'task')",
    "cardinality(tags)",
    "data.total * 2",
    "data['total']",
    "data.items[1].sku",
    "data.items[1]['n'] + 1",
    "list_sum(numbers) + list_min(numbers) + numbers[2] + numbers[-1]",
    "list_sum(list_transform(numbers, n -> n * quantity))",
    "list_filter(numbers, lambda n : n > 1)",
    "list_transform(data.items, i -> i.n + quantity)",
    "list_reduce(numbers, (a, b) -> a + b)",
    "list_contains(numbers, 2)",
    "list_sort(numbers)",
    "list_distinct([1, 1, 2])",
    "numbers[quantity - 4]",
    "struct_extract(data, 'total')",
    "{'a': quantity, 'b c': invoice}",
    "[quantity, 2]",
    "doc -> 'x'",
    "doc -> 'x' ->> 'y'",
    "doc ->> '$.x.y'",
    "doc ->> '/x/y'",
    "(doc ->> 'n')::integer + 1",
    "json_extract(doc, '$.n')::integer",
    "json_extract_string(doc, '$.x.y') = 'z'",
    "json_extract_string(doc, '$.x.y') in ('z')",
    "json_extract_string(doc, '$.x.y') is null",
    "not json_extract_string(doc, '$.x.y') = 'z'",
    "json_extract_string(doc, '$.x.y') || 'w'",
    "json_array_length('[1, 2]'::json)",
    "parent.workflow.id",
    "1e3 + 1_000 + .5",
    "true and (false or null is null)",
]

REFUSED = [
    ("(select 1)", "must not contain a query"),
    ("quantity in (select 1)", "must not contain a query"),
    ("exists (select 1)", "must not contain a query"),
    ("(from range(3))", "must not"),
    ("(values (1))", "must be an allowed function"),
    ("(table t)", "must"),
    ("read_csv('/etc/passwd')", "must not read tables or files"),
    ("read_text ('/etc/passwd')", "must not read tables or files"),
    ("READ_PARQUET('x')", "must not read tables or files"),
    ("\"read_text\"('x')", "must not read tables or files"),
    ("read_blob/**/('x')", "must not read tables or files"),
    ("glob('*')", "must not read tables or files"),
    ("unnest(numbers)", "must not read tables or files"),
    ("getenv('HOME')", "must not look outside the row"),
    ("main.getenv('HOME')", "must not look outside the row"),
    ("system.main.getenv('HOME')", "must not look outside the row"),
    ("'HOME'.getenv()", "must not look outside the row"),
    ("upper(getenv('HOME'))", "must not look outside the row"),
    ("list_transform(['HOME'], x -> getenv(x))", "must not look outside the row"),
    ("current_setting('threads')", "must not look outside the row"),
    ("getvariable('x')", "must not look outside the row"),
    ("current_user", "must give the same value on every run"),
    ("current_catalog", "must give the same value on every run"),
    ("now()", "must give the same value on every run"),
    ("current_timestamp", "must give the same value on every run"),
    ("localtimestamp", "must give the same value on every run"),
    ("current_date", "must give the same value on every run"),
    ("random()", "must give the same value on every run"),
    ("gen_random_uuid()", "must give the same value on every run"),
    ("sum(quantity)", "must look at one row"),
    ("count(*)", "must look at one row"),
    ("max(price)", "must look at one row"),
    ("row_number() over ()", "must look at one row"),
    ("lag(price) over (order by at)", "must look at one row"),
    ("sum(price) filter (where true)", "must look at one row"),
    ("md5(invoice)", "must keep ids readable"),
    ("hash(invoice)", "must keep ids readable"),
    ("*", "must name its columns"),
    ("t.*", "must name its columns"),
    ("columns('x')", "must be an allowed function"),
    ("$1", "must not contain parameters"),
    ("$name", "must not contain parameters"),
    ("?", "must not contain parameters"),
    ("#1", "must not contain parameters"),
    ("quantity as q", "must not name its result"),
    ("quantity q", "must not name its result"),
    ("0x1F", "must not name its result"),
    ("quantity, price", "must be one expression"),
    ("quantity from t", "must be one expression"),
    ("quantity where true", "must be one expression"),
    ("quantity union all select 1", "must not contain a query"),
    ("distinct quantity", "must be one expression"),
    ("all quantity", "must be one expression"),
    ("quantity; drop table t", "must be one expression"),
    ("quantity;", "must be one expression"),
    ("quantity::regclass", "must cast to a plain type"),
    ("quantity::my_type", "must cast to a plain type"),
    ("invoice ~ 'C.*'", "must match with a function"),
    ("invoice !~ 'C.*'", "must match with a function"),
    ("invoice similar to 'C.*'", "must match with a function"),
    ("invoice.upper()", "must call functions by name"),
    ("[x for x in numbers]", "must be made of values, operators and functions"),
    ("(1, 2)", "must be made of values, operators and functions"),
    ("e'\\n'", "must be made of values, operators and functions"),
    ("uper(invoice)", "must be an allowed function"),
    ("repeat('x', 1000000000)", "must be an allowed function"),
    ("", "must be an expression"),
    ("   ", "must be an expression"),
    ("-- nothing", "must be an expression"),
    ("'open", "must be an expression"),
    ("/* open", "must be an expression"),
    ("case when", "must be an expression (a value is missing after it)"),
    ("(quantity", "must be an expression"),
    ("a\0b", "must be readable text"),
    ('""', "must name its columns"),
    ("attach 'x'", "must be an expression"),
    ("copy t to 'x'", "must be an expression"),
    ("with t as (select 1) select 2", "must"),
    ("(" * 3000 + "1" + ")" * 3000, "must be nested less deeply"),
]


@pytest.fixture(scope="module")
def row() -> duckdb.DuckDBPyConnection:
    """One row with a column of every kind, in UTC."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    # The engine refuses arrows for lambdas, which checking rewrites; here they run on both sides.
    connection.execute("SET lambda_syntax = 'ENABLE_SINGLE_ARROW'")
    connection.execute(f"CREATE TABLE row AS {ROW}")
    return connection


def quoted(column: str) -> str:
    """A rename that leaves every reference what it is."""
    if column in {"Customer ID", "user"}:
        return f'"{column}"'
    return column


@pytest.mark.parametrize("text", MEANINGS)
def test_checking_does_not_change_the_meaning(row: duckdb.DuckDBPyConnection, text: str) -> None:
    """The SQL written from the checked tree gives the value and type that DuckDB gives for the text itself."""
    mine = parse(text).render(quoted)
    # Only a quoted "user" is a column to DuckDB; unquoted it is a function, which no expression can reach.
    theirs = text.replace("user", '"user"')
    expected = row.execute(f"SELECT v, typeof(v) FROM (SELECT ({theirs}) AS v FROM row)").fetchall()
    assert row.execute(f"SELECT v, typeof(v) FROM (SELECT {mine} AS v FROM row)").fetchall() == expected


@pytest.mark.parametrize(("text", "rule"), REFUSED)
def test_what_is_not_one_value_of_one_row_is_refused(text: str, rule: str) -> None:
    """Each refusal names its rule and a mend."""
    with pytest.raises(ExpressionError) as refused:
        parse(text)
    assert refused.value.rule.startswith(rule)
    assert refused.value.mend
    assert refused.value.got is not None


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("data.total", ("data.total",)),
        ("tags['task']", ("tags['task']",)),
        ("tags['it''s']", ("tags['it''s']",)),
        ("parent.workflow.id", ("parent.workflow.id",)),
        ("a.b.c.d.e.f", ("a.b.c.d.e.f",)),
        ('"Customer ID" || invoice', ("Customer ID", "invoice")),
        ('"a.b" + a.b', ('"a.b"', "a.b")),
        ('"say ""hi"""', ('"say ""hi"""',)),
        ("data.items[1].sku", ("data.items",)),
        ("Invoice || INVOICE || invoice", ("Invoice",)),
        ("tags['a'] || tags['A']", ("tags['a']", "tags['A']")),
        ("list_transform(numbers, x -> x + y)", ("numbers", "y")),
        ("list_filter(a, x -> x.n > data.z)", ("a", "data.z")),
        ("_row || _file", ("_row", "_file")),
        ("1 + 2", ()),
    ],
)
def test_the_columns_an_expression_refers_to(text: str, columns: tuple[str, ...]) -> None:
    """Columns come once each, names compared without case and keys with it."""
    assert parse(text).columns == columns


def test_references_are_replaced_whole() -> None:
    """A path becomes the typed column it stands for, in brackets only where it is more than a name."""
    names = {"data.total": '"total"', "tags['task']": "element_at(t, 'k')", "Customer ID": '"t"."Customer ID"'}
    checked = parse("data.total * 2 || tags['task'] || \"customer id\"")
    spelled = {name.lower(): sql for name, sql in names.items()}
    rendered = checked.render(lambda name: spelled[name.lower()])
    assert rendered == '"total" * 2 || (element_at(t, \'k\')) || "t"."Customer ID"'
    assert parse("data.total").render(names.__getitem__) == '"total"'
    assert parse("Invoice || INVOICE").render(lambda name: f"<{name}>") == "(<Invoice>) || (<Invoice>)"


def test_a_lambda_parameter_is_not_a_column() -> None:
    """A parameter hides a column of its name inside its own lambda only."""
    checked = parse("list_sum(list_transform(numbers, price -> price * 2)) + price")
    assert checked.columns == ("numbers", "price")
    assert checked.render(lambda name: f'"t"."{name}"').endswith('+ "t"."price"')


def test_plain_words_are_outcomes_only_for_event_types() -> None:
    """The words success and failure stand for themselves; any other word is a column."""
    assert outcome_expression(" success ").literals == {"success"}
    assert outcome_expression("failure").render(str) == "'failure'"
    assert outcome_expression("data.status").columns == ("data.status",)
    assert parse("success").columns == ("success",)


@pytest.mark.parametrize(
    ("text", "literals"),
    [
        ("'a'", {"a"}),
        ("case when x then 'a' when y then 'b' end", {"a", "b"}),
        ("case when x then 'a' else if(y, 'b', null) end", {"a", "b"}),
        ("null", set()),
        ("kind", None),
        ("case when x then kind else 'b' end", None),
        ("'a' || 'b'", None),
        ("5", None),
    ],
)
def test_the_texts_an_expression_can_give(text: str, literals: set[str] | None) -> None:
    """Constants and cases of them are known, anything else is not."""
    assert parse(text).literals == literals


@pytest.mark.parametrize("text", ["VARCHAR", "DECIMAL(18, 4)", "TIMESTAMP WITH TIME ZONE", "INTEGER[]", "JSON"])
def test_plain_column_types_are_allowed(text: str) -> None:
    """The types a file's column can be read as."""
    check_type(text)


@pytest.mark.parametrize(
    "text",
    ["", "nothing", "VARCHAR) || (a", "INT) + CAST(y AS INT", "INT; drop", "ENUM('a')", "INT AS x", "DECIMAL(1.5)"],
)
def test_other_types_are_refused(text: str) -> None:
    """A type is one type and nothing else."""
    with pytest.raises(ExpressionError):
        check_type(text)


def test_allowed_functions_exist() -> None:
    """Every allowed name is a function of DuckDB or a word of its syntax."""
    names = duckdb.connect().execute("SELECT function_name FROM duckdb_functions()").fetchall()
    syntax = {"cast", "try_cast", "try", "coalesce", "extract", "ifnull"}
    assert {name for (name,) in names} | syntax >= FUNCTIONS


@pytest.mark.parametrize("name", sorted(FUNCTIONS - {"cast", "try_cast", "extract"}))
@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_a_call_is_written_as_it_was_read(name: str, count: int) -> None:
    """No argument is dropped and no function replaced, whatever the number of arguments."""
    arguments = ["a", "b", "c", "d"][:count]
    checked = parse(f"{name}({', '.join(arguments)})")
    assert checked.columns == tuple(arguments)
    rendered = checked.render(lambda column: f'"{column}"')
    quoted_arguments = ", ".join(f'"{argument}"' for argument in arguments)
    assert rendered.lower() == f"{name}({quoted_arguments})"


def columns() -> st.SearchStrategy[str]:
    """References of every form."""
    return st.sampled_from(["quantity", "price", "invoice", '"Customer ID"', "data.total", "tags['task']", "flag"])


def expressions() -> st.SearchStrategy[str]:
    """Scalar expressions of every construct, not always well typed."""
    leaves = st.one_of(
        columns(),
        st.integers(0, 10**12).map(str),
        st.text(max_size=8).map(lambda text: "'" + text.replace("'", "''").replace("\0", "") + "'"),
        st.sampled_from(["null", "true", "1.50", "date '2026-01-01'", "[1, 2]"]),
    )
    operators = ["+", "-", "*", "/", "//", "%", "||", "=", "<>", "<", ">=", "and", "or", "is distinct from", "like"]
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from(operators), inner).map(lambda parts: f"({' '.join(parts)})"),
            st.tuples(st.sampled_from(["upper", "length", "abs", "trim", "not", "-"]), inner).map(
                lambda parts: f"({parts[0]}({parts[1]}))"
            ),
            st.tuples(inner, inner, inner).map(lambda p: f"case when {p[0]} then {p[1]} else {p[2]} end"),
            st.tuples(inner, inner).map(lambda p: f"coalesce({p[0]}, {p[1]})"),
            inner.map(lambda text: f"try_cast({text} as varchar)"),
            st.tuples(inner, inner).map(lambda p: f"({p[0]} in ({p[1]}, 2))"),
            inner.map(lambda text: f"({text} is not null)"),
        ),
        max_leaves=8,
    )


FRAGMENTS = """
    select from where union ( ) , ; ' " $$ -- /* */ * . :: [ ] { } -> ->> : ? $1 #1 @ ~ ! = < > + - / // % ^ a b
    quantity read_csv( getenv('HOME') upper( case when then else end cast( as int in exists( lambda x over( filter(
    now() random() interval '1' day null true distinct all values table e'\\n' x'00' with between and or not is
"""


def hostile() -> st.SearchStrategy[str]:
    """Fragments of SQL in any order, and any text."""
    words = st.sampled_from(FRAGMENTS.split())
    return st.one_of(st.lists(words, max_size=12).map(" ".join), st.text(max_size=30))


def _assert_scalar(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    """DuckDB's own parser sees one scalar in the select list and nothing else."""
    (answer,) = connection.execute("SELECT json_serialize_sql($sql)", {"sql": f"SELECT {sql}"}).fetchone() or ("",)
    parsed = json.loads(answer)
    assert parsed["error"] is False, parsed
    (statement,) = parsed["statements"]
    node = statement["node"]
    assert node["type"] == "SELECT_NODE"
    assert len(node["select_list"]) == 1
    assert node["from_table"]["type"] == "EMPTY"
    assert node["where_clause"] is None
    _assert_allowed(node["select_list"][0])


def _assert_allowed(part: object) -> None:
    if isinstance(part, list):
        for each in part:
            _assert_allowed(each)
    elif isinstance(part, dict):
        assert part.get("class") not in {"SUBQUERY", "STAR", "WINDOW", "PARAMETER", "POSITIONAL_REFERENCE"}, part
        name = part.get("function_name")
        if name and name[0].isalpha() and not part.get("is_operator"):
            assert name in FUNCTIONS | {"struct_pack", "list_value", "map", "array_extract", "struct_extract"}, name
        for each in part.values():
            _assert_allowed(each)


@settings(max_examples=150, deadline=None)
@given(text=expressions())
def test_well_formed_expressions_are_accepted_and_run(text: str) -> None:
    """A scalar expression is accepted, and what is written from it is one scalar to DuckDB's own parser."""
    _assert_scalar(duckdb.default_connection(), parse(text).render(lambda column: f'"{column.replace(chr(34), "")}"'))


@settings(max_examples=400, deadline=None)
@given(text=hostile())
def test_hostile_text_is_refused_or_harmless(text: str) -> None:
    """Any text raises ExpressionError or becomes one scalar of allowed functions: nothing else can happen."""
    try:
        checked = parse(text)
    except ExpressionError:
        return
    _assert_scalar(duckdb.default_connection(), checked.render(lambda _: '"x"'))
