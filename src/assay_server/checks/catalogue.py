"""The checks that can be asked for by name."""

import difflib
from collections.abc import Iterator

from assay_server.checks import answers, form, retrieval
from assay_server.checks.sample import Check
from assay_server.checks.toxicity import toxicity
from assay_server.core.errors import InvalidInput

_CHECKS: tuple[Check, ...] = (
    answers.exact_match,
    answers.contains,
    answers.fuzzy_match,
    answers.token_f1,
    answers.refusal,
    retrieval.groundedness,
    retrieval.hit_rate,
    retrieval.mrr,
    retrieval.citation,
    toxicity,
    form.schema_valid,
    form.latency_ms,
    form.cost_usd,
)


class Catalogue:
    """Checks by name. `extra` are a team's own; a name stands once."""

    def __init__(self, *extra: Check) -> None:
        self._checks = {check.name: check for check in (*_CHECKS, *extra)}
        if len(self._checks) != len(_CHECKS) + len(extra):
            raise InvalidInput("Two checks have one name.", field="name", fix="rename one")

    def get(self, name: str) -> Check:
        """Raises InvalidInput with the nearest names."""
        check = self._checks.get(name)
        if check is None:
            near = difflib.get_close_matches(name, self._checks, n=3) or sorted(self._checks)
            raise InvalidInput(
                "No check of this name.", field="metric", value=name, fix=f"use one of: {', '.join(near)}"
            )
        return check

    def __iter__(self) -> Iterator[Check]:
        return iter(self._checks.values())


_BUILT_IN = Catalogue()


def get(name: str) -> Check:
    """The built-in check of this name. Raises InvalidInput with the nearest names."""
    return _BUILT_IN.get(name)
