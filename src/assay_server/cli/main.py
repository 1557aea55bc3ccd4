"""The command line without `up` and `doctor`, which `app` adds: it alone may construct a server."""

from typing import Annotated

import typer

from assay_server.cli import (
    canaries,
    channels,
    cost,
    dashboards,
    datasets,
    flow,
    governance,
    keeping,
    monitors,
    outgoing,
    prompts,
    providers,
    releases,
    runs,
    silences,
    traces,
)
from assay_server.cli.connect import connect
from assay_server.cli.lines import TakesLine
from assay_server.cli.login import login
from assay_server.cli.looking import export, sql

app = typer.Typer(
    name="assay",
    help="Did this LLM feature get better or worse, why, and how do I undo it?",
    epilog="Example: assay login http://127.0.0.1:4600. Settings: ASSAY_URL and ASSAY_API_KEY, or what login stored. "
    "Exit codes: 0 yes, 1 no, 2 misuse, 3 server unreachable, 4 inconclusive.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(version("assay"))
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Did this LLM feature get better or worse, why, and how do I undo it?"""


app.command("login", epilog="Example: assay login http://127.0.0.1:4600 --key -  < key.txt")(login)
app.command("connect", epilog="Example: assay connect otel-python")(connect)
app.command("run", epilog="Example: assay run support-golden --release support@2 --suite support --baseline run_01k9…")(
    runs.run
)
app.command("runs", epilog="Example: assay runs run_01k9… --items")(runs.runs)
app.command("compare", epilog="Example: assay compare run_01k9a… run_01k9b…")(runs.compare)
app.command("gate", epilog="Example: assay gate run_01k9b… --baseline run_01k9a… --suite support")(runs.gate)
app.command("sql", cls=TakesLine, epilog="Example: assay sql 'SELECT model, sum(cost) FROM calls GROUP BY ALL'")(sql)
app.command("export", epilog="Example: assay export spans --format parquet --to spans.parquet -w model=gpt-5")(export)
app.command("compact", epilog="Example: assay compact")(keeping.compact)
app.command("promote", epilog="Example: assay promote support@2 --to production --reason 'gate passed'")(
    channels.promote
)
app.command("rollback", epilog="Example: assay rollback production --reason 'wrong answers about refunds'")(
    channels.rollback
)
for noun in (
    traces.app,
    prompts.app,
    datasets.app,
    datasets.retrieval,
    releases.app,
    runs.suites,
    channels.app,
    canaries.app,
    providers.app,
    cost.app,
    dashboards.app,
    governance.incidents,
    monitors.app,
    monitors.notify,
    silences.app,
    flow.quotas,
    flow.sampling,
    flow.flags,
    flow.exports,
    flow.forwards,
    governance.audit,
    governance.keys,
    keeping.retention,
    keeping.privacy,
    keeping.backup,
    outgoing.app,
):
    app.add_typer(noun)
