"""Checks of what was retrieved, and of the answer's tie to it."""

import re
from collections.abc import Iterable

from assay_server.checks.code import CodeCheck
from assay_server.checks.sample import About, Outcome, Sample
from assay_server.checks.text import content_words, refuses

NO_DOCUMENTS = "no document is known to hold the answer (metadata.documents)"
NO_CONTEXTS = "nothing was retrieved"
A_REFUSAL = "a refusal claims nothing"
NO_WORDS = "the answer has no content words"


def _groundedness(sample: Sample) -> Outcome:
    if refuses(sample.output):
        return Outcome(skipped=A_REFUSAL)
    if not sample.contexts:
        return Outcome(skipped=NO_CONTEXTS)
    ids = _ids(sample)
    words = content_words(_without(sample.output, ids))
    if not words:
        return Outcome(skipped=NO_WORDS)
    known = {word for context in sample.contexts for word in content_words(str(context.get("text") or ""))}
    foreign = [word for word in words if word not in known]
    return Outcome(value=1 - len(foreign) / len(words), reason=_listed("not in the contexts", foreign))


def _hit_rate(sample: Sample) -> Outcome:
    rank = _first_hit(sample)
    if rank is None:
        return Outcome(skipped=NO_DOCUMENTS)
    return Outcome(value=float(rank > 0), reason=_rank_in_words(rank, len(sample.contexts)))


def _mrr(sample: Sample) -> Outcome:
    rank = _first_hit(sample)
    if rank is None:
        return Outcome(skipped=NO_DOCUMENTS)
    return Outcome(value=1 / rank if rank else 0.0, reason=_rank_in_words(rank, len(sample.contexts)))


def _citation(sample: Sample) -> Outcome:
    if refuses(sample.output):
        return Outcome(skipped=A_REFUSAL)
    ids = _ids(sample)
    if not ids:
        return Outcome(skipped=NO_CONTEXTS)
    cited = [document for document in ids if _mentions(sample.output, document)]
    return Outcome(value=float(bool(cited)), reason=_listed("cites", cited) or "cites none of the retrieved documents")


def _first_hit(sample: Sample) -> int | None:
    """Rank from 1 of the first document that holds the answer, 0 if none does; None where nobody knows which do."""
    wanted = sample.metadata.get("documents")
    if not isinstance(wanted, list | tuple) or not wanted:
        return None
    names = {str(document) for document in wanted}
    ranks = (rank for rank, context in enumerate(sample.contexts, 1) if str(context.get("id")) in names)
    return next(ranks, 0)


def _ids(sample: Sample) -> list[str]:
    return list(dict.fromkeys(str(context["id"]) for context in sample.contexts if context.get("id")))


def _mentions(text: str, name: str) -> bool:
    """As a whole: `returns-1` is not cited by `returns-12`."""
    return re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text) is not None


def _without(text: str, names: Iterable[str]) -> str:
    """A citation is no claim, so it is not looked for in the contexts."""
    for name in names:
        text = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", " ", text)
    return text


def _listed(what: str, words: list[str]) -> str | None:
    shown = ", ".join(dict.fromkeys(words[:8]))
    return f"{what}: {shown}" if words else None


def _rank_in_words(rank: int, retrieved: int) -> str:
    return f"rank {rank} of {retrieved}" if rank else f"not among the {retrieved} retrieved"


groundedness = CodeCheck(
    "groundedness",
    "1",
    About(
        describes="Lexical: how much of the answer's wording stands in the contexts? Word overlap, not entailment.",
        formula="share of the answer's content words (no function words, singular, cited ids removed) that occur in a "
        "context; a refusal or an answer without contexts is skipped",
        cannot_see="Whether the claim follows: words may be negated or swapped. Paraphrases score low.",
    ),
    _groundedness,
)

hit_rate = CodeCheck(
    "hit_rate",
    "1",
    About(
        describes="Did retrieval find a document that holds the answer?",
        formula="1 if any id of metadata.documents is among the contexts' ids, else 0 (k = all that was retrieved)",
        cannot_see="Its rank, and whether the answer used it.",
    ),
    _hit_rate,
)

mrr = CodeCheck(
    "mrr",
    "1",
    About(
        describes="How high did retrieval rank the first document that holds the answer?",
        formula="1 / rank of the first context whose id is in metadata.documents, 0 if none (mean reciprocal rank)",
        cannot_see="Every relevant document after the first.",
    ),
    _mrr,
)

citation = CodeCheck(
    "citation",
    "1",
    About(
        describes="Does the answer cite a document that was retrieved?",
        formula="1 if the id of a retrieved context occurs in the answer as a whole word, else 0; refusals are skipped",
        cannot_see="Whether the cited document holds the claim.",
    ),
    _citation,
)
