"""`assay run`, `runs`, `compare`, `gate` and `suite`: is it better, or worse?"""

from __future__ import annotations  # `assay.Client` stands in signatures only: the help needs no HTTP client

from pathlib import Path
from typing import Annotated, Any

import typer

import assay
from assay_server.cli import verdicts
from assay_server.cli.common import AsJson, Limit, connected, group, names, near
from assay_server.cli.exits import NO
from assay_server.cli.releases import known
from assay_server.cli.terminal import answer, emit, hint, interval, progress, safe, signed, table, when

suites = group("suite", "Suites: metrics, bars and margins that a gate applies.")

_SUITE_KEYS = frozenset({"metrics", "alpha", "min_items", "max_error_rate", "description"})

SuiteOption = Annotated[str, typer.Option("--suite", "-s", help="The suite that judges.")]


def run(
    dataset: Annotated[str, typer.Argument(help="NAME@VERSION, or NAME for the newest.")],
    release: Annotated[str | None, typer.Option("--release", "-R", help="The release to evaluate.")] = None,
    endpoint: Annotated[str | None, typer.Option("--endpoint", help="URL of the application under test.")] = None,
    metrics: Annotated[str | None, typer.Option("--metrics", "-m", help="Names, separated by commas.")] = None,
    suite: Annotated[str | None, typer.Option("--suite", "-s", help="Judge with this suite at the end.")] = None,
    baseline: Annotated[
        str | None, typer.Option("--baseline", "-b", help="The run to compare with, for --suite.")
    ] = None,
    concurrency: Annotated[int | None, typer.Option("--concurrency", min=1, help="Items at a time.")] = None,
    repeats: Annotated[int | None, typer.Option("--repeats", min=1, help="Answers per item.")] = None,
    wait: Annotated[bool, typer.Option("--wait", "-w", help="Wait until it ends; --suite implies it.")] = False,
    as_json: AsJson = False,
) -> None:
    """Evaluates a release on a dataset. With --suite the exit code is the gate's: 0 pass, 1 fail, 4 inconclusive."""
    if release is None and endpoint is None:
        raise typer.BadParameter("name what to evaluate: --release or --endpoint", param_hint="--release")
    with connected() as client:
        with (
            near(dataset, lambda: names(client.datasets.list(500)["items"])),
            near(release or "", lambda: known(client)),
        ):
            state = client.runs.start(
                dataset,
                release=release,
                endpoint=endpoint,
                metrics=metrics.split(",") if metrics else None,
                suite=suite,
                concurrency=concurrency,
                repeats=repeats,
            )
        if not (wait or suite):
            _started(state, as_json)
            return
        state = _wait(client, state["id"])
        if suite is None or state["status"] != "done":
            _ended(state, as_json)
        else:
            _judge(client, state["id"], suite, baseline, as_json)


def runs(
    run_id: Annotated[str | None, typer.Argument(metavar="[RUN]", help="One run; default: all.")] = None,
    wait: Annotated[bool, typer.Option("--wait", "-w", help="Wait until it ends.")] = False,
    items: Annotated[bool, typer.Option("--items", help="Show its items.")] = False,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """Lists runs, or shows one."""
    with connected() as client:
        if run_id is None:
            page = client.runs.list(limit)
            if not emit(page, as_json):
                table(("run", "status", "dataset", "release", "items", "started"), [_row(r) for r in page["items"]])
        elif items:
            found = client.runs.items(run_id, limit)
            if not emit({"items": found}, as_json):
                table(("item", "output", "error", "scores", "trace"), [_item(each) for each in found])
        else:
            _ended(_wait(client, run_id) if wait else client.runs.get(run_id), as_json)


def compare(
    a: Annotated[str, typer.Argument(help="The earlier run.")],
    b: Annotated[str, typer.Argument(help="The later run.")],
    as_json: AsJson = False,
) -> None:
    """Compares two runs on the items both answered."""
    with connected() as client:
        found = client.runs.compare(a, b)
    if not emit(found, as_json):
        columns = ("metric", "n", "difference", "95% ci", "better", "worse", "same")
        table(columns, [_compared(name, each) for name, each in found["metrics"].items()])
        hint(f"assay gate {b} --baseline {a} --suite SUITE")


def gate(
    run_id: Annotated[str, typer.Argument(metavar="RUN", help="The run to judge.")],
    suite: SuiteOption,
    baseline: Annotated[str | None, typer.Option("--baseline", "-b", help="The run to compare with.")] = None,
    as_json: AsJson = False,
) -> None:
    """Judges a run. The exit code is the answer: 0 pass, 1 fail, 4 inconclusive."""
    with connected() as client:
        _judge(client, run_id, suite, baseline, as_json)


@suites.command("put", epilog="Example: assay suite put support suites/support.yaml")
def put_suite(
    name: Annotated[str, typer.Argument(help="The suite's name.")],
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="YAML: metrics, alpha, min_items.")],
    as_json: AsJson = False,
) -> None:
    """Creates or replaces a suite from a file."""
    from assay_server.cli.yaml_files import read_mapping

    suite = read_mapping(file, _SUITE_KEYS, {"metrics"})
    if not isinstance(suite.fields["metrics"], list):
        fix = "write it like '- {metric: groundedness, bar: 0.8}'"
        raise assay.InvalidInput(f"{suite.at('metrics')}: 'metrics' is no list.", field="metrics", fix=fix)
    with connected() as client, suite.sent():
        made = client.suites.put(name, **suite.fields)
    if not emit(made, as_json):
        answer(f"{name}: {len(suite.fields['metrics'])} metric(s)")
        hint(f"assay gate RUN --suite {name}")


@suites.command("list", epilog="Example: assay suite list")
def list_suites(as_json: AsJson = False) -> None:
    """Lists suites, the built-in one included."""
    with connected() as client:
        found = client.suites.list()
    if not emit({"items": found}, as_json):
        rows = [(s["name"], [m["metric"] for m in s["metrics"]], s.get("alpha"), s.get("min_items")) for s in found]
        table(("name", "metrics", "alpha", "min items"), rows)


def _started(state: assay.Json, as_json: bool) -> None:
    if not emit(state, as_json):
        answer(state["id"])
        hint(f"assay runs {state['id']} --wait")


def _wait(client: assay.Client, run_id: str) -> assay.Json:
    with progress() as line:

        def show(state: assay.Json) -> None:
            at = state["progress"]
            line.show(at["done"], at["total"], f"{at['errors']} errors" if at["errors"] else "")

        return client.runs.wait(run_id, show)


def _ended(state: assay.Json, as_json: bool) -> None:
    if not emit(state, as_json):
        verdicts.show_run(state)
        if state["status"] == "done":
            hint(f"assay gate {state['id']} --suite SUITE")
    if state["status"] in {"failed", "cancelled"}:
        raise typer.Exit(NO)


def _judge(client: assay.Client, run_id: str, suite: str, baseline: str | None, as_json: bool) -> None:
    with near(suite, lambda: names(client.suites.list())):
        verdict = client.verdicts.create(run_id, suite, baseline)
    if not emit(verdict, as_json):
        verdicts.show(verdict)
        _next(verdict)
    raise typer.Exit(verdicts.CODES[verdict["verdict"]])


def _next(verdict: assay.Json) -> None:
    if verdict["verdict"] == "pass" and verdict.get("release"):
        hint(f"assay promote {verdict['release']} --to production --reason '…'")
    elif verdict.get("baseline_run"):
        hint(f"assay compare {verdict['baseline_run']} {verdict['run']}")
    else:
        hint(f"assay runs {verdict['run']} --items")


def _row(run_: assay.Json) -> tuple[Any, ...]:
    dataset, at = run_["dataset"], run_.get("progress") or {}
    items = f"{at.get('done')}/{at.get('total')}"
    name = f"{dataset['name']}@{dataset['version']}"
    return run_["id"], run_["status"], name, run_.get("release"), items, when(run_.get("started_at"))


def _item(item: assay.Json) -> tuple[Any, ...]:
    scores = [
        f"{name} {'error' if s.get('error') else s.get('value')}" for name, s in (item.get("scores") or {}).items()
    ]
    return item["item"], safe(str(item.get("output") or ""))[:80], item.get("error"), scores, item.get("trace_id")


def _compared(name: str, found: assay.Json) -> tuple[Any, ...]:
    counts = [found.get(key) for key in ("better", "worse", "same")]
    return name, found.get("n"), signed(found.get("difference")), interval(found.get("ci")), *counts
