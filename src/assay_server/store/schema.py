"""The tables of the DuckDB store, version by version. Each step may run twice: a kill can fall between any two.

Times are nanoseconds since the epoch, money is US dollars, NULL is *unknown*. `key` is a 64-bit hash of a row's
identity (`seen.key_of`). `traces` has one row for each trace, written when its first span arrives, so that the
newest traces are found without reading spans. What `moved` names (`{"input.value": "input"}`) was taken out of
`attributes` because that column holds the same text: it is stored once.
"""

NEWEST = 1

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

STEPS: dict[int, tuple[str, ...]] = {1: (_SPANS, _TRACES, _SCORES, _RUN_ITEMS, _EVENTS)}
"""Schema version -> the statements that lead to it from the version before."""
