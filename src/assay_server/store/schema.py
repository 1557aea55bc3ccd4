"""The tables of the DuckDB store, version by version. Each step may run twice: a kill can fall between any two.

Times are nanoseconds since the epoch, money is US dollars, NULL is *unknown*. `key` is a 64-bit hash of a row's
identity (`seen.key_of`). `traces` has one row for each trace, written when its first span arrives, so that the
newest traces are found without reading spans. What `moved` names (`{"input.value": "input"}`) was taken out of
`attributes` because that column holds the same text: it is stored once.

`stored_ns` says when a row was committed and never goes back, even when the clock does; rows of version 1 count from 1,
a thousand to a number, as if they had been commits. No span of a trace is older by it than the trace's row, so that the
spans of the newest traces are read without the others.
`trace_parts` has one row for each trace and commit (what that commit added), so that latency and status of a trace are
found without its spans, and its spans by the few commits they came in. `key` there is of (project, trace_id). Every
`stored_ns` of a trace's spans stands in one of its parts: whoever deletes spans of a trace makes its parts anew.

`content` says what became of a span's content: NULL, it was never in question; `waiting`, the whole row stands in
`held` until its trace is decided; `kept` and `let_go`, as it was decided; `sampled_out`, by a rule at the door.

`feature`, `tenant` and `cost_center` are what a span's tags, attributes or resource say of them.

`input_head` and `output_head` are the first `HEAD` characters of the texts of a span without a parent: lists show them,
and a long text costs a millisecond to read. Empty where there is no text; NULL in rows older than heads.

`settled_calls` and `settled_traces` follow from the spans, up to the commit that `settled` names (`settled.py` says
how); a trace's `name` is that of its root, which began at `begun_ns`, and its `tags` are those of all its spans.
`unsettled` names traces that have to be worked out anew. `long_traces`, `long_calls`, `long_parents` and `long_tags`
hold the same of traces of very many spans, in a way that can be added to (`long.py`).

`error_type` says of which kind the error of a failed span is: its attribute `error.type`, its last exception's type, or
its message without numbers; NULL for all others. `empty_result` says of a tool whether it found nothing, and
`request_key` of a model's call what it was asked: equal where a cache would have answered (`derived`).

`key_set` is the number of the set of its attributes' names, which `key_sets` holds (`key_sets.py` says how); 0, it may
have any.

`let_go_ns` says when the text of a row was let go, after `kept_days`; NULL, it stands as it came.
"""

from assay_server.store.counting import OF_SUMS, SAID, TOLD
from assay_server.store.derived import EMPTY_RESULT, ERROR_TYPE, REQUEST_KEY
from assay_server.store.key_sets import ANY_NAMES, KEY_SETS, filled

NEWEST = 12
HEAD = 300  # characters

_SPANS = """
CREATE TABLE IF NOT EXISTS spans (
    key UBIGINT NOT NULL, project VARCHAR NOT NULL, trace_id VARCHAR NOT NULL, span_id VARCHAR NOT NULL,
    parent_id VARCHAR, name VARCHAR NOT NULL, kind VARCHAR NOT NULL, start_ns BIGINT NOT NULL, end_ns BIGINT NOT NULL,
    status VARCHAR NOT NULL, status_message VARCHAR, service VARCHAR, environment VARCHAR, scope VARCHAR,
    session VARCHAR, "user" VARCHAR, tags VARCHAR[], input VARCHAR, output VARCHAR, model VARCHAR, provider VARCHAR,
    fresh_input BIGINT, cache_read BIGINT, cache_write BIGINT, output_tokens BIGINT, reasoning BIGINT,
    cost DOUBLE, cost_source VARCHAR, ttft_ms DOUBLE, prompt VARCHAR, prompt_version VARCHAR, release VARCHAR,
    channel VARCHAR, canary VARCHAR, arm VARCHAR, run VARCHAR, item VARCHAR, pii VARCHAR[], attributes VARIANT,
    moved VARCHAR, resource VARCHAR, events VARCHAR, links VARCHAR
)"""

PART_KEY = "md5_number_lower(concat(project, chr(31), trace_id))"
PART = (
    f"{PART_KEY}, project, trace_id, min(start_ns), max(end_ns), count(*),"
    " count(*) FILTER (status = 'error'), count(*) FILTER (status = 'ok')"
)
"""What spans, grouped by project and trace, are as a row of `trace_parts`, without its `stored_ns`."""


def parts_of_stored(where: str = "true") -> str:
    """Fills `trace_parts` from spans."""
    return (
        f"INSERT INTO trace_parts SELECT {PART}, stored_ns FROM spans WHERE {where}"  # noqa: S608 (our conditions)
        " GROUP BY project, trace_id, stored_ns"
    )


_TRACES = """
CREATE TABLE IF NOT EXISTS traces (
    key UBIGINT NOT NULL, project VARCHAR NOT NULL, trace_id VARCHAR NOT NULL, start_ns BIGINT NOT NULL
)"""

_SCORES = """
CREATE TABLE IF NOT EXISTS scores (
    key UBIGINT NOT NULL, project VARCHAR NOT NULL, id VARCHAR NOT NULL, name VARCHAR NOT NULL, time_ns BIGINT NOT NULL,
    source VARCHAR NOT NULL, value DOUBLE, label VARCHAR, error VARCHAR, reason VARCHAR, author VARCHAR,
    version VARCHAR, trace_id VARCHAR, span_id VARCHAR, session VARCHAR, run VARCHAR, item VARCHAR, metadata VARCHAR
)"""

_RUN_ITEMS = """
CREATE TABLE IF NOT EXISTS run_items (
    key UBIGINT NOT NULL, project VARCHAR NOT NULL, run VARCHAR NOT NULL, item VARCHAR NOT NULL,
    repeat INTEGER NOT NULL, time_ns BIGINT NOT NULL, cluster VARCHAR, input VARCHAR, output VARCHAR,
    expected VARCHAR, contexts VARCHAR, error VARCHAR, trace_id VARCHAR, latency_ms DOUBLE, cost DOUBLE,
    fresh_input BIGINT, cache_read BIGINT, cache_write BIGINT, output_tokens BIGINT, reasoning BIGINT
)"""

_EVENTS = """
CREATE TABLE IF NOT EXISTS events (
    key UBIGINT NOT NULL, project VARCHAR NOT NULL, id VARCHAR NOT NULL, kind VARCHAR NOT NULL, time_ns BIGINT NOT NULL,
    trace_id VARCHAR, span_id VARCHAR, subject VARCHAR, data VARCHAR
)"""

_TRACE_PARTS = """
CREATE TABLE IF NOT EXISTS trace_parts (
    key UBIGINT NOT NULL, project VARCHAR NOT NULL, trace_id VARCHAR NOT NULL, start_ns BIGINT NOT NULL,
    end_ns BIGINT NOT NULL, spans INTEGER NOT NULL, errors INTEGER NOT NULL, oks INTEGER NOT NULL,
    stored_ns BIGINT NOT NULL
)"""

_SETTLED_CALLS = """
CREATE TABLE IF NOT EXISTS settled_calls (
    key UBIGINT NOT NULL, trace UBIGINT NOT NULL, project VARCHAR NOT NULL, kind VARCHAR NOT NULL,
    name VARCHAR NOT NULL, status VARCHAR NOT NULL, start_ns BIGINT NOT NULL, end_ns BIGINT NOT NULL, model VARCHAR,
    provider VARCHAR, service VARCHAR, cost DOUBLE, cost_source VARCHAR, fresh_input BIGINT, cache_read BIGINT,
    cache_write BIGINT, output_tokens BIGINT, reasoning BIGINT, ttft_ms DOUBLE, "user" VARCHAR, session VARCHAR,
    feature VARCHAR, tenant VARCHAR, cost_center VARCHAR, prompt VARCHAR, prompt_version VARCHAR, release VARCHAR,
    channel VARCHAR, arm VARCHAR, run VARCHAR, environment VARCHAR, endpoint VARCHAR, tags VARCHAR[]
)"""

_SETTLED_TRACES = """
CREATE TABLE IF NOT EXISTS settled_traces (
    key UBIGINT NOT NULL, project VARCHAR NOT NULL, trace_id VARCHAR NOT NULL, start_ns BIGINT NOT NULL,
    last_ns BIGINT NOT NULL, end_ns BIGINT NOT NULL, stored_ns BIGINT NOT NULL, failed BOOLEAN NOT NULL,
    "user" VARCHAR, session VARCHAR, environment VARCHAR,
    calls BIGINT NOT NULL, usd DOUBLE, unknown BIGINT, input_tokens BIGINT, output_tokens BIGINT
)"""

_LONG_TRACES = f"""
CREATE TABLE IF NOT EXISTS long_traces (
    key UBIGINT NOT NULL, project VARCHAR NOT NULL, trace_id VARCHAR NOT NULL, start_ns BIGINT NOT NULL,
    last_ns BIGINT NOT NULL, end_ns BIGINT NOT NULL, stored_ns BIGINT NOT NULL, failed BOOLEAN NOT NULL,
    parts BOOLEAN NOT NULL, {", ".join(f'"{name}" VARCHAR, {name}_ns BIGINT' for name in TOLD)}, calls BIGINT NOT NULL,
    priced BIGINT NOT NULL, usd DOUBLE NOT NULL, asked BIGINT NOT NULL, input_tokens BIGINT NOT NULL,
    answered BIGINT NOT NULL, output_tokens BIGINT NOT NULL
)"""

_SAID_OF_TRACES = (
    *("name VARCHAR", "begun_ns BIGINT", "tags VARCHAR[]"),
    *(f"{name} VARCHAR" for name in SAID if name not in OF_SUMS),
)

_LABELS = ("feature", "tenant", "cost_center")


def _label(name: str) -> str:
    """What old spans say of it, as their door would read it today."""
    tag = (
        f"list_transform(list_filter(tags, lambda t: starts_with(t, '{name}:') OR starts_with(t, '{name}=')),"
        f" lambda t: substr(t, {len(name) + 2}))[1]"
    )
    sent = f"variant_extract(attributes, '{name}')::VARCHAR, variant_extract(attributes, 'assay.{name}')::VARCHAR"
    return f"coalesce({tag}, {sent}, json_extract_string(resource, '$.\"assay.{name}\"')) AS {name}"


def _labels_of_old_rows(table: str) -> str:
    found = f"(SELECT rowid AS r, {', '.join(map(_label, _LABELS))} FROM {table}) old"  # noqa: S608 (our names)
    return (
        f"UPDATE {table} SET {', '.join(f'{name} = old.{name}' for name in _LABELS)} FROM {found}"  # noqa: S608
        f" WHERE {table}.rowid = old.r AND coalesce({', '.join(f'old.{name}' for name in _LABELS)}) IS NOT NULL"
    )


_SETTLED = (
    *("settled_calls", "settled_traces", "unsettled"),
    *("long_calls", "long_parents", "long_tags", "long_traces"),
)
_ANEW = (*(f"DELETE FROM {table}" for table in _SETTLED), "UPDATE settled SET stored_ns = -1")  # noqa: S608


STEPS: dict[int, tuple[str, ...]] = {
    1: (_SPANS, _TRACES, _SCORES, _RUN_ITEMS, _EVENTS),
    2: (
        "ALTER TABLE spans ADD COLUMN IF NOT EXISTS stored_ns BIGINT DEFAULT 0",
        "ALTER TABLE traces ADD COLUMN IF NOT EXISTS stored_ns BIGINT DEFAULT 0",
        "ALTER TABLE events ADD COLUMN IF NOT EXISTS stored_ns BIGINT DEFAULT 0",
        _TRACE_PARTS,
    ),
    3: (
        "ALTER TABLE spans ADD COLUMN IF NOT EXISTS content VARCHAR",
        "CREATE TABLE IF NOT EXISTS held AS FROM spans LIMIT 0",
    ),
    4: tuple(
        f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {column}"
        for table in ("spans", "held", "scores", "events")
        for column in ("let_go_ns BIGINT", "kept_days INTEGER")
    ),
    6: tuple(
        f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {name} VARCHAR"
        for table in ("spans", "held")
        for name in (*_LABELS, "input_head", "output_head")
    ),
    7: (
        *(
            f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {column}"
            for table in ("spans", "held")
            for column in ("error_type VARCHAR", "empty_result BOOLEAN", "request_key UBIGINT")
        ),
        _SETTLED_CALLS,
        _SETTLED_TRACES,
        "CREATE TABLE IF NOT EXISTS unsettled (key UBIGINT NOT NULL, stored_ns BIGINT NOT NULL)",
        "CREATE TABLE IF NOT EXISTS settled AS SELECT -1::BIGINT AS stored_ns",
    ),
    8: (
        "CREATE TABLE IF NOT EXISTS long_calls AS SELECT *, 0::UBIGINT AS me FROM settled_calls LIMIT 0",
        "CREATE TABLE IF NOT EXISTS long_parents (trace UBIGINT NOT NULL, parent UBIGINT NOT NULL, stored_ns BIGINT)",
        "CREATE TABLE IF NOT EXISTS long_tags (trace UBIGINT NOT NULL, tag VARCHAR NOT NULL, stored_ns BIGINT)",
        _LONG_TRACES,
    ),
    9: (
        *(
            f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS key_set UBIGINT DEFAULT {ANY_NAMES}"
            for table in ("spans", "held")
        ),
        KEY_SETS,
    ),
    10: (
        "ALTER TABLE long_tags ADD COLUMN IF NOT EXISTS said_ns BIGINT",
        "ALTER TABLE long_tags ADD COLUMN IF NOT EXISTS nth BIGINT",
    ),
    11: (),
    12: (
        *(f"ALTER TABLE settled_traces ADD COLUMN IF NOT EXISTS {column}" for column in _SAID_OF_TRACES),
        *(
            f"ALTER TABLE long_traces ADD COLUMN IF NOT EXISTS {column}"
            for name in TOLD
            if name not in SAID
            for column in (f"{name} VARCHAR", f"{name}_ns BIGINT")
        ),
    ),
}
"""Schema version -> the statements that lead to the tables of it; all are run at every opening."""

FILLS: dict[int, tuple[str, ...]] = {
    5: tuple(f"UPDATE {table} SET stored_ns = 1 + rowid // 1000 WHERE stored_ns = 0" for table in ("spans", "events")),  # noqa: S608
    6: (*map(_labels_of_old_rows, ("spans", "held")), "DELETE FROM trace_parts", parts_of_stored()),
    7: tuple(
        f"UPDATE {table} SET {column} = {rule} WHERE {where}"  # noqa: S608
        for table in ("spans", "held")
        for column, rule, where in (
            ("error_type", ERROR_TYPE, "status = 'error'"),
            ("empty_result", EMPTY_RESULT, "kind = 'tool'"),
            ("request_key", REQUEST_KEY, "kind = 'llm'"),
        )
    ),
    9: (*filled("spans"), *filled("held")),
    10: _ANEW,  # the gateway's calls got the service that they were made for, tags their order
    11: _ANEW,  # of roll-ups inside each other one counts, and so does what says cached or reasoned tokens alone
    12: _ANEW,  # traces got their names, and all that they say
}
"""Schema version -> what a store of an older one gets: new columns of old rows, rows that follow from others."""
