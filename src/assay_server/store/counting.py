"""Which spans count: tokens and costs of a trace, each call once.

Agents and chains often repeat the sum of their children, and a client's own span of a call stands around the
gateway's span of the same call. So a span counts when it has tokens or a cost, and is neither a roll-up in a trace
that has its parts, nor the direct parent of a model call that counts; where there are roll-ups alone, none that is the
direct parent of another. Where the client's HTTP library is traced too,
a plain span stands between its call and the gateway's: that one is passed over. Two instruments may tell of one call
side by side: a client that traces itself and an instrumentation of it, or a client and the gateway, where the headers
were made before the client's span began. It is one call where they sent as many tokens, at one time, to one model or
for as many.

The gateway calls for somebody: its span counts for the service of the span that it stands under.
"""

GATEWAY = "assay-gateway"
"""The service of the gateway's own spans."""

TRACE_WIDE = (
    *("user", "session", "feature", "tenant", "cost_center", "prompt", "prompt_version", "release", "channel", "arm"),
    *("run", "environment"),
)
"""Fields that a trace says for spans that do not: a span takes what is nearest, its own or the first of its trace."""

SAID = (*TRACE_WIDE, "endpoint")
"""The same, with what its attributes and its root's name tell."""

TOLD = (*SAID, "root", "opening")
"""The same, with the names of its first span without a parent, and of its first of all."""

OWN = (
    *("key", "project", "kind", "name", "status", "start_ns", "end_ns", "model", "provider", "service", "cost"),
    *("cost_source", "fresh_input", "cache_read", "cache_write", "output_tokens", "reasoning", "ttft_ms"),
)
"""What a call says for itself alone."""

PROVIDERS_ROUTE = "(kind = 'llm' AND coalesce(variant_extract(attributes, 'span.kind')::VARCHAR, '') = 'client')"
"""Does the `http.route` of a span name what was called, not what was asked for? So Anthropic's SDK says it."""

WIDE = tuple(f'"{name}"' for name in SAID)
CALL = ", ".join(("trace", *OWN, *WIDE, "tags"))
"""A call's columns."""

OF_SUMS = ("user", "session", "environment")
"""What of `SAID` stands beside a trace's sums."""

ASKED = "coalesce(fresh_input, cache_read, cache_write) IS NOT NULL"
ANSWERED = "coalesce(output_tokens, reasoning) IS NOT NULL"
_INTO, _OUT = (
    "coalesce(fresh_input, 0) + coalesce(cache_read, 0) + coalesce(cache_write, 0)",
    "coalesce(output_tokens, 0) + coalesce(reasoning, 0)",
)
INPUT, OUTPUT, TOKENS = f"TRY({_INTO})", f"TRY({_OUT})", f"TRY({_INTO} + {_OUT})"
"""NULL where rows from before there was a limit have more than a number can be."""

USED = (
    "count(*) AS calls, sum(cost) AS usd, count(*) FILTER (cost IS NULL) AS unknown,"
    f" TRY_CAST(sum({INPUT}) FILTER ({ASKED}) AS BIGINT) AS input_tokens,"
    f" TRY_CAST(sum({OUTPUT}) FILTER ({ANSWERED}) AS BIGINT) AS output_tokens"
)
"""What calls add up to; NULL where nobody knows any, or where rows from before there was a limit add up to too much."""

HAS = "(coalesce(fresh_input, cache_read, cache_write, output_tokens, reasoning) IS NOT NULL OR cost IS NOT NULL)"
"""Spans that may count."""

ROLLS_UP = "kind IN ('agent', 'chain')"


def keys(of: str) -> str:
    """`of`: SQL that makes a span's key of its trace and the column that it is filled with.

    Roll-ups have keys of their own kind: one takes the place of the roll-up that it stands under, of nothing else.
    """
    rolled = "concat('rolls up ', {})"
    me = f"CASE WHEN {ROLLS_UP} THEN {rolled.format('span_id')} ELSE span_id END"
    above = f"WHEN {ROLLS_UP} THEN {of.format(rolled.format('parent_id'))}"
    return (
        f"{of.format(me)} AS me, {ROLLS_UP} AS rolls,"
        f" CASE WHEN parent_id IS NULL THEN NULL WHEN kind = 'llm' THEN {of.format('parent_id')} {above} END AS above"
    )


KEYS = keys("hash(trace, {})")
"""What `counted_by_key` needs of each span beside `trace`, 64 bits that tell traces apart: a fifth of the time that
texts take, and of the memory."""


_HTTP = f"kind = 'span' AND parent_id IS NOT NULL AND NOT {HAS}"
_ASKED_OVER_HTTP = f"service = '{GATEWAY}' AND kind = 'llm' AND parent_id IS NOT NULL AND {HAS}"


_WHO = f"CASE WHEN service = '{GATEWAY}' THEN '' ELSE coalesce(scope, '-') END"
"""Which instrument tells of a call."""


def _told_beside(source: str, trace: str) -> str:
    """A SELECT of calls by `trace` and `id`; `above_it` is another instrument's span of the same call beside it, which
    began before (the gateway's call is the innermost). One for one: of calls alike, the first with the first."""
    told = f"kind = 'llm' AND parent_id IS NOT NULL AND {ASKED} AND {HAS}"
    among = f"SELECT {trace} FROM {source} WHERE {told} GROUP BY {trace} HAVING min({_WHO}) <> max({_WHO})"  # noqa: S608
    alike = f"{trace}, parent_id, sent"
    of_next = ", ".join(f"lead({name}) OVER chain AS {name}_above" for name in ("start_ns", "end_ns", "model", "got"))
    return (
        f"SELECT {trace}, span_id AS id, above_it FROM (SELECT *, lead(span_id) OVER chain AS above_it, {of_next} FROM"  # noqa: S608
        f" (SELECT *, row_number() OVER (PARTITION BY {alike}, who ORDER BY start_ns, span_id) AS nth FROM"
        f" (SELECT {trace}, span_id, parent_id, start_ns, end_ns, model, {_WHO} AS who, {INPUT} AS sent,"
        f" {OUTPUT} AS got FROM {source} WHERE {told} AND {trace} IN ({among})))"
        f" WINDOW chain AS (PARTITION BY {alike}, nth"
        " ORDER BY who = '' DESC, start_ns DESC, span_id)) WHERE start_ns_above <= end_ns AND end_ns_above >= start_ns"
        " AND (model_above = model OR got_above = got)"
    )


def may_count(source: str, with_keys: str) -> str:
    """A SELECT of those of `source` that may count, with `with_keys` (of `keys`); a call of the gateway stands under
    what its client's HTTP request stands under, and any call under another instrument's span of it, if that is in
    `source`; a call of the gateway is of its client's service. Without the gateway's spans, or a second instrument's,
    the joins are of nothing, and cost nothing."""
    asked = f"SELECT DISTINCT trace, parent_id AS id FROM {source} WHERE {_ASKED_OVER_HTTP}"  # noqa: S608
    askers = (
        f"SELECT x.trace, x.span_id AS id, x.service, CASE WHEN {_HTTP} THEN x.parent_id END AS above_it"  # noqa: S608
        f" FROM {source} x JOIN ({asked}) a ON a.trace = x.trace AND a.id = x.span_id"
    )
    gateways = f"s.service = '{GATEWAY}'"
    return (
        f"SELECT *, {with_keys} FROM (SELECT s.* REPLACE (coalesce(CASE WHEN {gateways} THEN r.above_it END,"  # noqa: S608
        f" t.above_it, s.parent_id) AS parent_id, CASE WHEN {gateways} AND s.kind = 'llm' THEN"
        " coalesce(r.service, s.service) ELSE s.service END AS service)"
        f" FROM (SELECT * FROM {source} WHERE {HAS}) s"
        f" LEFT JOIN ({askers}) r ON r.trace = s.trace AND r.id = s.parent_id"
        f" LEFT JOIN ({_told_beside(source, 'trace')}) t ON t.trace = s.trace AND t.id = s.span_id)"
    )


def counted_by_key(source: str) -> str:
    """A SELECT of those that count, for a `source` of spans that `HAS` keeps, with `trace` and `KEYS`."""
    return (
        f"SELECT c.* FROM {source} c ANTI JOIN (SELECT above FROM {source} WHERE above IS NOT NULL) i"  # noqa: S608
        f" ON i.above = c.me WHERE NOT rolls OR trace NOT IN (SELECT trace FROM {source} WHERE NOT rolls)"
    )


def counted(source: str) -> str:
    """The same of a `source` (a table or CTE) of few whole traces of one project, as it is."""
    return (
        f"SELECT c.* FROM {source} c ANTI JOIN ("  # noqa: S608
        f"SELECT trace_id, parent_id, true AS rolls FROM {source} WHERE {ROLLS_UP} AND {HAS} UNION ALL"
        f" SELECT g.trace_id, coalesce(CASE WHEN g.service = '{GATEWAY}' THEN x.parent_id END, t.above_it, g.parent_id)"
        f" AS parent_id, false FROM (SELECT trace_id, span_id, parent_id, service FROM {source}"
        f" WHERE kind = 'llm' AND parent_id IS NOT NULL AND {HAS}) g"
        f" LEFT JOIN (SELECT trace_id, span_id, parent_id FROM {source} WHERE {_HTTP}) x"
        " ON x.trace_id = g.trace_id AND x.span_id = g.parent_id"
        f" LEFT JOIN ({_told_beside(source, 'trace_id')}) t ON t.trace_id = g.trace_id AND t.id = g.span_id) i"
        f" ON i.trace_id = c.trace_id AND i.parent_id = c.span_id AND (NOT i.rolls OR c.{ROLLS_UP})"
        f" WHERE {HAS} AND (NOT {ROLLS_UP} OR c.trace_id NOT IN"
        f" (SELECT trace_id FROM {source} WHERE {HAS} AND NOT {ROLLS_UP}))"
    )


def with_trace(tags: str) -> str:
    """The columns of calls `c`, with what their traces say in `said`, and in `tags` (SQL) of tags, in their order.

    A call's own tags come first: who asks for one of a kind takes the first.
    """
    own = ", ".join(f"c.{name}" for name in OWN)
    nearest = ", ".join(f"coalesce(c.{name}, said.{name}) AS {name}" for name in WIDE)
    others = f"list_filter(coalesce({tags}, []), lambda t: NOT list_contains(coalesce(c.tags, []), t))"
    return f"c.trace, {own}, {nearest}, nullif(list_concat(coalesce(c.tags, []), {others}), []) AS tags"
