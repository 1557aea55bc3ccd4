"""`assay trace`: what happened."""

import sys
from collections import defaultdict
from collections.abc import Mapping
from typing import Annotated, Any

import typer

import assay
from assay_server.cli.common import AsJson, Limit, connected, group
from assay_server.cli.lines import TakesLine
from assay_server.cli.terminal import answer, colour, emit, hint, milliseconds, money, safe, say, table, text, when

app = group("trace", "Traces: what happened.")

_PREVIEW = 100
_SUMS = ("agent", "chain")  # have no price of their own: they repeat what their calls used


@app.command(
    "list", cls=TakesLine, epilog="Example: assay trace list 'status:error latency>2s score.helpful<0.5 refund'"
)
def list_(
    search: Annotated[
        str | None, typer.Argument(metavar="SEARCH", help="A search line as in the list of traces, in quotes.")
    ] = None,
    *,
    limit: Limit = 20,
    since: Annotated[str | None, typer.Option("--since", help="RFC 3339, such as 2026-11-21T08:00:00Z.")] = None,
    until: Annotated[str | None, typer.Option("--until", help="RFC 3339.")] = None,
    model: Annotated[str | None, typer.Option("--model", "-m", help="A model's name.")] = None,
    user: Annotated[str | None, typer.Option("--user", "-u", help="A user.")] = None,
    session: Annotated[str | None, typer.Option("--session", help="A session.")] = None,
    status: Annotated[str | None, typer.Option("--status", help="ok or error")] = None,
    words: Annotated[str | None, typer.Option("--text", "-t", help="Words in inputs or outputs.")] = None,
    release: Annotated[str | None, typer.Option("--release", help="A release's id.")] = None,
    channel: Annotated[str | None, typer.Option("--channel", help="A channel.")] = None,
    sort: Annotated[
        str | None,
        typer.Option(
            "--sort",
            help="start, latency, cost, tokens or score.NAME, with :asc or :desc.",
            show_default="newest first",
        ),
    ] = None,
    cursor: Annotated[str | None, typer.Option("--cursor", help="'next' of the previous page.")] = None,
    as_json: AsJson = False,
) -> None:
    """Lists traces, newest first or in another order."""
    asked = {
        "q": search,
        "since": since,
        "until": until,
        "model": model,
        "user": user,
        "session": session,
        "status": status,
        "text": words,
        "release": release,
        "channel": channel,
    }
    with connected() as client:
        page = client.traces.list(limit, cursor, sort=sort, **asked)
    if emit(page, as_json):
        return
    columns = ("trace", "start", "name", "status", "latency", "cost", "user", "input")
    table(columns, [_row(each) for each in page["items"]])
    say(f"{len(page['items'])} of {_total(page)}")
    if not page["total"] and all(value is None for value in asked.values()):
        hint("assay connect   (what to set in an application so that it sends here)")
    if page["items"]:
        hint(f"assay trace show {page['items'][0]['trace_id']}")


def _total(page: Mapping[str, Any]) -> str:
    """`10000+` where counting stopped."""
    among = page.get("sorted_among")
    more = "+" if page.get("total_is") == "at_least" else ""
    return f"{page['total']}{more}" + (f", of the newest {among} with these words" if among else "")


@app.command(epilog="Example: assay trace show 4bf92f3577b34da6a3ce929d0e0e4736")
def show(
    trace_id: Annotated[str, typer.Argument(metavar="ID", help="The trace's id.")],
    content: Annotated[bool, typer.Option("--content", "-c", help="Inputs and outputs in full.")] = False,
    as_json: AsJson = False,
) -> None:
    """Shows a trace as a tree."""
    with connected() as client:
        found = client.traces.get(trace_id)
    if emit(found, as_json):
        return
    answer(f"{found['trace_id']}  {when(found.get('start'))}  {milliseconds(found.get('latency_ms'))}  "
           f"{money(found.get('cost'))}  {_who(found)}")  # fmt: skip
    for line in tree(found["spans"], full=content):
        answer(line)
    if found.get("scores"):
        rows = [
            (s.get("name"), s.get("value"), s.get("label"), s.get("source"), s.get("reason")) for s in _scores(found)
        ]
        table(("score", "value", "label", "source", "reason"), rows)


@app.command(epilog="Example: assay trace compare 4bf92f3577b34da6a3ce929d0e0e4736 0af7651916cd43dd8448eb211c80319c")
def compare(
    a: Annotated[str, typer.Argument(metavar="A", help="The id of the first trace.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The id of the second.")],
    as_json: AsJson = False,
) -> None:
    """Compares two traces, span by span."""
    with connected() as client:
        found = client.traces.compare(a, b)
    if not emit(found, as_json):
        answer(found["sentence"])
        table(("span", "first", "second", "differs"), [_pair(row) for row in found["rows"]])


@app.command(
    "test", epilog="Example: assay trace test 4bf92f3577b34da6a3ce929d0e0e4736 00f067aa0ba902b7 > test_answer.py"
)
def as_test(
    trace_id: Annotated[str, typer.Argument(metavar="ID", help="The trace's id.")],
    span_id: Annotated[str, typer.Argument(metavar="SPAN", help="The model call's span id.")],
    as_json: AsJson = False,
) -> None:
    """Writes a model call as a pytest file that asks it again through the gateway."""
    with connected() as client:
        found = client.traces.as_test(trace_id, span_id)
    if not emit(found, as_json):
        answer(found["source"])
        hint(f"ASSAY_API_KEY=sk_… pytest {found['filename']}")


def tree(spans: list[assay.Json], *, full: bool = False) -> list[str]:
    """The lines of a trace's tree; spans whose parent did not arrive stand at the root."""
    present = {span["span_id"] for span in spans}
    children: dict[str | None, list[assay.Json]] = defaultdict(list)
    for span in spans:
        parent = span.get("parent_id")
        children[parent if parent in present else None].append(span)
    lines: list[str] = []
    # A stack instead of recursion: a trace of an agent may be thousands deep.
    stack = [(span, "", "", "") for span in reversed(children[None])]
    while stack:
        span, branch, below, _ = stack.pop()
        lines.append(branch + _span(span))
        inner = children.get(span["span_id"], [])
        lines += [f"{below}{'│  ' if inner else '   '}{line}" for line in _content(span, full)]
        for at, child in enumerate(reversed(inner)):
            last = at == 0
            stack.append((child, below + ("└─ " if last else "├─ "), below + ("   " if last else "│  "), ""))
    return lines


def _span(span: assay.Json) -> str:
    kind = colour(str(span.get("kind") or "span"), "cyan", sys.stdout)
    parts = [f"{kind} {safe(str(span['name']))}", milliseconds(span.get("latency_ms"))]
    tokens = span.get("tokens") or {}
    if span.get("model"):
        parts.append(safe(str(span["model"])))
    counted = tokens.get("input_total") is not None or tokens.get("output_total") is not None
    if counted:
        parts.append(f"{text(tokens.get('input_total'))} → {text(tokens.get('output_total'))} tokens")
    if span.get("cost") is not None or (counted and span.get("kind") not in _SUMS):
        parts.append(money(span.get("cost")))
    if span.get("documents"):
        parts.append(f"{len(span['documents'])} documents")
    if span.get("status") == "error":
        parts.append(colour(f"error: {safe(str(span.get('status_message') or ''))}", "red", sys.stdout))
    return "  ".join(parts)


def _content(span: assay.Json, full: bool) -> list[str]:
    if not full:
        return []
    return [
        f"{sign} {safe(line)}"
        for sign, value in (("→", span.get("input")), ("←", span.get("output")))
        if value is not None
        for line in _texts(value)
    ]


def _texts(value: Any) -> list[str]:
    """The lines of a text, or of chat messages."""
    if isinstance(value, str):
        return value.splitlines()
    messages = value if isinstance(value, list) else [value]
    return [line for message in messages for line in _message(message).splitlines()]


def _message(message: Any) -> str:
    if not isinstance(message, dict):
        return str(message)
    content = message.get("content")
    if content is None:
        content = " ".join(str(part.get("content")) for part in message.get("parts") or [] if isinstance(part, dict))
    return f"{message.get('role')}: {content}"


def _scores(trace: assay.Json) -> list[assay.Json]:
    scores = trace["scores"]
    return scores if isinstance(scores, list) else []


def _pair(row: assay.Json) -> tuple[Any, ...]:
    a, b = row["a"], row["b"]
    differs = ", ".join(row["changed"]) if a and b else f"only in the {'first' if a else 'second'}"
    took = (milliseconds(side["latency_ms"]) if side else "–" for side in (a, b))
    return "  " * row["depth"] + row["name"], *took, differs


def _who(trace: assay.Json) -> str:
    told = [f"{key} {trace[key]}" for key in ("user", "session", "release", "channel", "arm") if trace.get(key)]
    return safe("  ".join(told))


def _row(trace: assay.Json) -> tuple[Any, ...]:
    status = str(trace.get("status"))
    return (
        trace["trace_id"],
        when(trace.get("start")),
        trace.get("name"),
        colour(status, "red", sys.stdout) if status == "error" else status,
        milliseconds(trace.get("latency_ms")),
        money(trace.get("cost")),
        trace.get("user"),
        (trace.get("input") or "")[:_PREVIEW],
    )
