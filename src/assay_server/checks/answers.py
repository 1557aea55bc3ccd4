"""Checks of the answer against what was expected. Where no answer was expected they do not apply."""

from collections import Counter
from collections.abc import Callable

from assay_server.checks.code import CodeCheck
from assay_server.checks.sample import About, Outcome, Sample
from assay_server.checks.text import normalise, refuses

NO_EXPECTED = "the item has no expected answer"
NOT_LABELLED = "the item does not say whether it is answerable (metadata.answerable)"


def _against_expected(compare: Callable[[str, str], float]) -> Callable[[Sample], Outcome]:
    def judge(sample: Sample) -> Outcome:
        if sample.expected is None or not sample.expected.strip():
            return Outcome(skipped=NO_EXPECTED)
        return Outcome(value=compare(sample.output, sample.expected))

    return judge


def _exact(output: str, expected: str) -> float:
    return float(normalise(output) == normalise(expected))


def _contains(output: str, expected: str) -> float:
    return float(f" {normalise(expected)} " in f" {normalise(output)} ")


def _fuzzy(output: str, expected: str) -> float:
    from rapidfuzz import fuzz

    return fuzz.ratio(normalise(output), normalise(expected)) / 100


def _token_f1(output: str, expected: str) -> float:
    found, wanted = normalise(output).split(), normalise(expected).split()
    if not found or not wanted:
        return float(found == wanted)
    common = sum((Counter(found) & Counter(wanted)).values())
    return 2 * common / (len(found) + len(wanted))


def _refusal(sample: Sample) -> Outcome:
    answerable = sample.metadata.get("answerable")
    if not isinstance(answerable, bool):
        return Outcome(skipped=NOT_LABELLED)
    refused = refuses(sample.output)
    label = _REFUSAL_LABELS[answerable, refused]
    return Outcome(value=float(refused != answerable), label=label, reason=label)


_REFUSAL_LABELS = {
    (True, True): "refused an answerable question",
    (True, False): "answered an answerable question",
    (False, True): "refused an unanswerable question",
    (False, False): "answered an unanswerable question",
}

exact_match = CodeCheck(
    "exact_match",
    "1",
    About(
        describes="Is the answer the expected one, letter for letter after normalisation?",
        formula="1 if squad(output) = squad(expected), else 0; squad: lower case, without punctuation and articles "
        "(Rajpurkar et al. 2016)",
        cannot_see="That another wording means the same.",
    ),
    _against_expected(_exact),
)

contains = CodeCheck(
    "contains",
    "1",
    About(
        describes="Does the answer hold the expected one, as whole words in a row?",
        formula="1 if squad(expected) is a run of words in squad(output), else 0",
        cannot_see="What else the answer says, a negation around it ('not 30 days') included.",
    ),
    _against_expected(_contains),
)

fuzzy_match = CodeCheck(
    "fuzzy_match",
    "1",
    About(
        describes="How near is the answer to the expected one, letter by letter?",
        formula="1 - (insertions + deletions) / (len(output) + len(expected)), both normalised as in exact_match "
        "(rapidfuzz fuzz.ratio)",
        cannot_see="Meaning: '30 days' and '90 days' are nearly equal. A long right answer to a short one is low.",
    ),
    _against_expected(_fuzzy),
)

token_f1 = CodeCheck(
    "token_f1",
    "1",
    About(
        describes="How many words do the answer and the expected one share?",
        formula="2 * |common words| / (|output words| + |expected words|), as multisets after normalisation "
        "(Rajpurkar et al. 2016)",
        cannot_see="The order of the words, and meaning.",
    ),
    _against_expected(_token_f1),
)

refusal = CodeCheck(
    "refusal",
    "1",
    About(
        describes="Right refusal: does it refuse what cannot be answered, and only that?",
        formula="1 if refuses(output) != metadata.answerable, else 0; refuses: a documented English phrase occurs",
        cannot_see="Refusals in other words or languages, and whether an answer that is given is right.",
    ),
    _refusal,
)
