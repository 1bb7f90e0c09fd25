"""The functions an expression may call, and why others may not; names as DuckDB spells them, lower case."""

from __future__ import annotations

__all__ = ["FUNCTIONS", "REFUSED", "SYNTAX"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


FUNCTIONS = _words(
    """
    cast try_cast try coalesce ifnull nullif if greatest least

    ascii chr concat concat_ws contains ends_with format instr lcase left length len lower lpad ltrim
    nfc_normalize ord prefix printf regexp_escape regexp_extract regexp_extract_all
    regexp_full_match regexp_matches regexp_replace regexp_split_to_array replace reverse right rpad rtrim
    split split_part starts_with str_split str_split_regex string_split string_split_regex string_to_array
    strip_accents strlen strpos substr substring suffix to_base64 translate trim ucase unicode upper
    url_decode url_encode from_hex hex to_hex

    abs cbrt ceil ceiling even exp fdiv floor fmod gcd isfinite isinf isnan lcm ln log10 log2 mod pow
    power round round_even sign signbit sqrt trunc

    century date_add date_diff date_part date_sub date_trunc datediff datepart datesub datetrunc day
    dayname dayofmonth dayofweek dayofyear decade epoch epoch_ms epoch_ns epoch_us era extract hour isodow
    isoyear last_day make_date make_time make_timestamp make_timestamp_ms make_timestamp_ns microsecond
    millisecond minute month monthname nanosecond quarter second strftime strptime time_bucket timezone
    to_days to_hours to_microseconds to_milliseconds to_minutes to_months to_seconds to_timestamp to_weeks
    to_years try_strptime week weekday weekofyear year yearweek

    from_json json json_array_length json_contains json_exists json_extract json_extract_path
    json_extract_path_text json_extract_string json_keys json_structure json_type json_valid json_value
    to_json

    array_contains array_extract array_has array_length array_position array_slice cardinality element_at
    flatten list_aggregate list_any_value list_avg list_concat list_contains list_count list_distinct
    list_element list_extract list_filter list_first list_has list_has_all list_has_any list_last list_max
    list_min list_position list_reduce list_reverse list_slice list_sort list_sum list_transform
    list_unique list_value list_zip map map_concat map_contains map_entries map_extract map_extract_value
    map_from_entries map_keys map_values struct_extract struct_keys struct_pack typeof
    """
)

# Words that may stand before a bracket without being a function: operators, and types with arguments.
SYNTAX = _words(
    """
    in and or not when then else case between like ilike is as interval escape from for on distinct end
    null decimal numeric dec varchar char struct map lambda
    """
)

_AGGREGATES = _words(
    """
    sum count avg mean min max first last any_value arg_max arg_min max_by min_by median mode quantile
    quantile_cont quantile_disc approx_quantile approx_count_distinct stddev stddev_pop stddev_samp
    var_pop var_samp variance string_agg group_concat listagg list array_agg histogram bool_and bool_or
    product fsum sumkahan count_if count_star bit_and bit_or bit_xor corr covar_pop covar_samp
    """
)
_WINDOWS = _words(
    """
    row_number rank dense_rank percent_rank cume_dist ntile lag lead first_value last_value nth_value over
    filter
    """
)
_TABLES = _words(
    """
    read_csv read_csv_auto read_json read_json_auto read_json_objects read_ndjson read_parquet read_text
    read_blob parquet_scan parquet_metadata parquet_schema sniff_csv glob query query_table unnest range
    generate_series duckdb_settings duckdb_tables duckdb_secrets pragma_table_info sqlite_scan
    postgres_scan iceberg_scan delta_scan
    """
)
_SURROUNDINGS = _words(
    """
    getenv current_setting getvariable current_user current_role session_user user current_database
    current_catalog current_schema current_schemas current_query version pg_typeof txid_current
    inet_client_addr inet_server_addr nextval currval setseed write_log error sleep_ms set_config
    which_secret json_execute_serialized_sql json_serialize_sql json_deserialize_sql parse_path
    parse_filename parse_dirname parse_dirpath
    """
)
_UNSTEADY = _words(
    """
    now today current_date current_time current_timestamp get_current_timestamp get_current_time
    transaction_timestamp localtime localtimestamp random uuid uuidv4 uuidv7 gen_random_uuid age ago
    """
)
_HASHES = _words("hash md5 md5_number sha1 sha256 crc32")
_QUERIES = _words("select exists any all some")

REFUSED = (
    (_AGGREGATES, "must look at one row", "give the row's own value; the measures make the sums"),
    (_WINDOWS, "must look at one row", "give the row's own value; other rows cannot be seen"),
    (
        _TABLES,
        "must not read tables or files",
        "use the columns of the row; files belong under the source's path",
    ),
    (_SURROUNDINGS, "must not look outside the row", "write the value itself or use a column"),
    (_UNSTEADY, "must give the same value on every run", "use a time or an id that is in the row"),
    (_HASHES, "must keep ids readable", "use the value itself; pseudonyms are made by the store"),
    (_words("log"), "must be an allowed function", "write log10(x), log2(x) or ln(x)"),
    (_QUERIES, "must not contain a query", "use the columns of the row only"),
)
