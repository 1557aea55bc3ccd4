"""The gate: judges a run by a suite, against a baseline run if there is one, and records the verdict."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from assay_server.checks import Catalogue
from assay_server.core.errors import Conflict, InvalidInput
from assay_server.core.ids import content_hash
from assay_server.evals.judgement import Comparison, Point, compare, overall
from assay_server.evals.points import points_of
from assay_server.evals.ports import VerdictBook
from assay_server.evals.rules import Suite
from assay_server.evals.runs import Runs
from assay_server.evals.sentences import of_comparison, of_verdict
from assay_server.evals.suites import Suites


class Gate:
    """The same facts and the same suite give the same verdict, bit for bit; only its id and time differ."""

    def __init__(self, *, runs: Runs, suites: Suites, verdicts: VerdictBook, catalogue: Catalogue) -> None:
        self._runs = runs
        self._suites = suites
        self._verdicts = verdicts
        self._catalogue = catalogue

    async def judge(
        self, project: str, actor: str, *, run: str, suite: str, baseline_run: str | None = None
    ) -> dict[str, Any]:
        """The verdict, recorded.

        Raises NotFound, Conflict for a run that is not done, InvalidInput for one that lacks metrics of the suite.
        """
        verdict = await self.compute(project, run=run, suite=suite, baseline_run=baseline_run)
        return dict(await self._verdicts.record(project, actor, verdict))

    async def compute(self, project: str, *, run: str, suite: str, baseline_run: str | None = None) -> dict[str, Any]:
        """The verdict without recording it."""
        if run == baseline_run:
            raise InvalidInput("A run cannot be its own baseline.", field="baseline_run", value=run)
        rules = await self._suites.get(project, suite)
        candidate = await self._judgeable(project, run, rules)
        baseline = None if baseline_run is None else await self._judgeable(project, baseline_run, rules)
        after = await self._points(project, run, rules)
        before = None if baseline_run is None else await self._points(project, baseline_run, rules)
        return await asyncio.to_thread(self._verdict, rules, candidate, baseline, after, before)

    def _verdict(
        self,
        suite: Suite,
        candidate: Mapping[str, Any],
        baseline: Mapping[str, Any] | None,
        after: Mapping[str, Sequence[Point]],
        before: Mapping[str, Sequence[Point]] | None,
    ) -> dict[str, Any]:
        limits = {rule.metric: self._catalogue.get(rule.metric).about.range for rule in suite.rules}
        comparisons = compare(suite, after, before, limits)
        word = overall(comparisons)
        return {
            "verdict": word,
            "release": candidate["release"],
            "run": candidate["id"],
            "baseline_run": None if baseline is None else baseline["id"],
            "suite": suite.name,
            "alpha": suite.alpha,
            "n": max((comparison.n for comparison in comparisons), default=0),
            "metrics": [_json(comparison) for comparison in comparisons],
            "sentence": of_verdict(word, comparisons, has_baseline=baseline is not None),
            "computed_from": _computed_from(suite, candidate, baseline),
        }

    async def _judgeable(self, project: str, run: str, suite: Suite) -> dict[str, Any]:
        found = await self._runs.get(project, run)
        if found["status"] != "done":
            raise Conflict(
                f"The run is {found['status']}, only one that is done can be judged.",
                field="run",
                value=run,
                fix="wait for it" if found["status"] in ("queued", "running") else "start a new run",
            )
        measured = {metric["metric"] for metric in found["metrics"]}
        missing = sorted({rule.metric for rule in suite.rules if not rule.optional} - measured)
        if missing:
            raise InvalidInput(
                f"The run did not measure {', '.join(missing)}, which the suite '{suite.name}' asks for.",
                field="run",
                value=run,
                fix=f"start a run with the suite '{suite.name}', or with these metrics",
            )
        return found

    async def _points(self, project: str, run: str, suite: Suite) -> dict[str, list[Point]]:
        answered, items = await self._runs.answers(project, run)
        return {rule.metric: points_of(rule.metric, answered, items) for rule in suite.rules}


def _computed_from(suite: Suite, candidate: Mapping[str, Any], baseline: Mapping[str, Any] | None) -> dict[str, Any]:
    """Ids of everything that went in, and the rules as they were: a suite can change later."""
    rules = [rule.as_json() for rule in suite.rules]
    return {
        "runs": [found["id"] for found in (candidate, baseline) if found is not None],
        "datasets": [found["dataset"]["id"] for found in (candidate, baseline) if found is not None],
        "releases": [found["release"] for found in (candidate, baseline) if found is not None],
        "checks": candidate["metrics"],
        "suite": {
            "rules": rules,
            "min_items": suite.min_items,
            "max_error_rate": suite.max_error_rate,
            "hash": content_hash([rules, suite.alpha, suite.min_items, suite.max_error_rate]),
        },
    }


def _json(comparison: Comparison) -> dict[str, Any]:
    """The shape of the REST API."""
    rule = comparison.rule
    limit = {"bar": rule.bar} if comparison.kind == "bar" else {"margin": rule.margin}
    return {
        "metric": comparison.metric,
        "kind": comparison.kind,
        "direction": rule.direction,
        "slice": rule.slice,
        "verdict": comparison.verdict,
        "n": comparison.n,
        "errors": comparison.errors,
        "skipped": comparison.skipped,
        "unpaired": comparison.unpaired,
        "clusters": comparison.clusters,
        "value": comparison.value,
        "baseline": comparison.baseline,
        "difference": comparison.difference,
        "ci": None if comparison.ci is None else list(comparison.ci),
        "bound": comparison.bound,
        **limit,
        "method": comparison.method,
        "p": comparison.p,
        "p_method": comparison.p_method,
        "minimum_detectable": comparison.minimum_detectable,
        "items_needed": comparison.items_needed,
        "sentence": of_comparison(comparison),
    }
