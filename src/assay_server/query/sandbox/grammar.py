"""What a query of a person may be made of. Everything else is refused: a part nobody thought of is not allowed.

Left out on purpose, of what DuckDB offers: all that reads files, settings, the environment or the catalogue; all that
runs SQL held in a text; all that sleeps, keeps state or writes; and all that makes a large value out of a small one
(`repeat`, `lpad`, `range` as a list, `list_resize`, regular expressions that split without end); and distances between
texts (`levenshtein`, `jaro_similarity`): quadratic in one call, in which no limit of time stops them.
"""

NODES = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE"})

RELATIONS = frozenset({"BASE_TABLE", "EMPTY", "EXPRESSION_LIST", "JOIN", "SUBQUERY", "TABLE_FUNCTION"})

MODIFIERS = frozenset({"DISTINCT_MODIFIER", "LIMIT_MODIFIER", "LIMIT_PERCENT_MODIFIER", "ORDER_MODIFIER"})

ORDERS = frozenset({"ASCENDING", "DESCENDING", "ORDER_DEFAULT"})

CLASSES = frozenset(
    {
        *("BETWEEN", "CASE", "CAST", "COLLATE", "COLUMN_REF", "COMPARISON", "CONJUNCTION", "CONSTANT", "FUNCTION"),
        *("LAMBDA", "LAMBDA_REF", "OPERATOR", "STAR", "SUBQUERY", "TYPE", "WINDOW"),
    }
)
"""Of expressions."""

TABLE_FUNCTIONS = frozenset({"generate_series", "json_each", "range", "unnest"})

TYPES = frozenset(
    {
        *("bigint", "blob", "bool", "boolean", "char", "date", "datetime", "decimal", "double", "float", "float4"),
        *("float8", "hugeint", "int", "int1", "int2", "int4", "int8", "integer", "interval", "json", "list", "long"),
        *("map", "numeric", "real", "short", "smallint", "string", "struct", "text", "time", "timestamp"),
        *("timestamp with time zone", "timestamptz", "timestamp_ms", "timestamp_ns", "timestamp_s", "tinyint"),
        *("ubigint", "uinteger", "usmallint", "utinyint", "uuid", "varchar"),
    }
)

_OPERATORS = """
    ! != !~~ !~~* % & && * ** + - ->> -> / // < << <= <=> <@ = > >= >> @> ^ ^@ | || ~ ~~ ~~* ~~~ and or not
    like_escape ilike_escape not_like_escape not_ilike_escape
"""

_AGGREGATES = """
    any_value approx_count_distinct approx_quantile approx_top_k arg_max arg_min array_agg avg bit_and bit_or bit_xor
    bool_and bool_or corr count count_if count_star countif covar_pop covar_samp entropy favg first fsum geomean
    group_concat histogram kahan_sum kurtosis last list listagg mad max max_by mean median min min_by mode product
    quantile quantile_cont quantile_disc regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx
    regr_sxy regr_syy sem skewness stddev stddev_pop stddev_samp string_agg sum sumkahan var_pop var_samp variance
    weighted_avg
"""

_WINDOWS = """
    cume_dist dense_rank first_value fill lag last_value lead nth_value ntile percent_rank rank rank_dense row_number
"""

_NUMBERS = """
    abs acos asin atan atan2 bit_count cbrt ceil ceiling cos cot degrees divide even exp factorial fdiv floor fmod
    gamma gcd greatest isfinite isinf isnan lcm least lgamma ln log log10 log2 mod nextafter pi pow power radians
    random round round_even sign signbit sin sqrt tan trunc xor equi_width_bins
"""

_TEXTS = """
    ascii chr concat concat_ws contains ends_with hamming instr jaccard
    lcase left len length lower ltrim md5 octet_length ord position prefix
    regexp_extract regexp_extract_all regexp_full_match regexp_matches regexp_replace regexp_escape replace reverse
    right rtrim sha256 split split_part starts_with str_split string_split strip_accents strlen strpos substr
    substring suffix translate trim ucase unicode upper url_decode url_encode
"""

_TIMES = """
    age ago century current_date current_localtimestamp date_add date_diff date_part date_sub date_trunc datediff
    datepart datesub datetrunc day dayname dayofmonth dayofweek dayofyear days_in_month epoch epoch_ms epoch_ns
    epoch_us get_current_timestamp hour isodow isoyear last_day make_date make_time make_timestamp make_timestamp_ms
    make_timestamp_ns microsecond millisecond minute month monthname nanosecond now quarter second strftime strptime
    time_bucket timezone to_days to_hours to_microseconds to_milliseconds to_minutes to_months to_quarters to_seconds
    to_timestamp to_weeks to_years today try_strptime week weekday weekofyear year yearweek
"""

_NESTED = """
    array_contains array_distinct array_extract array_has array_has_all array_has_any array_length array_slice
    array_to_string cardinality element_at filter flatten list_aggregate list_any_value list_apply list_avg list_concat
    list_contains list_count list_distinct list_element list_extract list_filter list_first list_has list_has_all
    list_has_any list_intersect list_last list_max list_median list_min list_pack list_position list_reduce
    list_reverse list_reverse_sort list_slice list_sort list_sum list_transform list_unique list_value list_zip map
    map_contains map_entries map_extract map_extract_value map_from_entries map_keys map_values row struct_extract
    struct_extract_at struct_insert struct_keys struct_pack struct_values unnest
"""

_JSON = """
    json json_array json_array_length json_contains json_exists json_extract json_extract_path json_extract_path_text
    json_extract_string json_group_array json_group_object json_keys json_object json_pretty json_structure json_type
    json_valid json_value to_json
"""

_OTHERS = "coalesce constant_or_null error grouping grouping_id hash if ifnull nullif typeof uuid"

FUNCTIONS = frozenset(
    name
    for group in (_OPERATORS, _AGGREGATES, _WINDOWS, _NUMBERS, _TEXTS, _TIMES, _NESTED, _JSON, _OTHERS)
    for name in group.split()
)
"""Scalar, aggregate and window functions, in lower case. None of them takes a name of another function but the list
aggregates, which look for aggregates only."""

INSTEAD = {
    "char_length": "length",
    "charindex": "strpos",
    "date_format": "strftime",
    "dateadd": "date_add",
    "format": "concat or ||",
    "getdate": "now",
    "iif": "if",
    "isnull": "coalesce",
    "nvl": "coalesce",
    "percentile_cont": "quantile_cont",
    "percentile_disc": "quantile_disc",
    "printf": "concat or ||",
    "to_char": "strftime",
    "to_date": "strptime",
}
"""What other databases, or this one, call what is here under another name."""
