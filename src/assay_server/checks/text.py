"""Words: SQuAD's normalisation, content words, and the phrases by which an answer says that it does not know."""

import re
import string

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation + "–—…‘’“”«»„·•")
_WORD = re.compile(r"[^\W_]+(?:[.,'’][^\W_]+)*")

# English function words. They stand in any context, so their overlap says nothing.
_FUNCTION_WORDS = """
    a about above after again all also am an and any are as at be because been before being below between both but
    by can could did do does doing down during each few for from further had has have having he her here hers him his
    how i if in into is it its itself just may me might more most must my no nor not now of off on once only or other
    our ours out over own same shall she should so some such than that the their theirs them then there these they
    this those through to too under until up very was we were what when where which while who whom why will with would
    yes you your yours
"""
STOP_WORDS = frozenset(_FUNCTION_WORDS.split())

_WHO = r"(?:i|we)"
_NOT = r"(?:do not|don't|did not|didn't|does not|doesn't|cannot|can't|can not|could not|couldn't)"
_SOURCE = r"(?:context|documents?|sources?|polic(?:y|ies)|passages?|excerpts?|text|knowledge base|information)"
_SAY = r"(?:contain|hold|have|include|mention|provide|say|specify|cover|state|give|answer)"
REFUSALS = (
    rf"\b{_WHO} {_NOT} (?:know|answer|find|help|assist|say|tell|determine|confirm)\b",
    rf"\b{_WHO} {_NOT} have (?:(?:enough|any|that|the|this|an) )?(?:relevant )?(?:information|details|answer)\b",
    rf"\b{_WHO}(?: am|'m| are|'re) (?:not sure|not able to|unable to)\b",
    rf"\b{_SOURCE}(?: (?:given|provided|above|available|i have))? {_NOT} {_SAY}\b",
    rf"\b{_NOT} {_SAY} (?:the|an|any|enough|that|this) (?:answer|information)\b",
    rf"\b(?:not|nothing|no answer)(?: \w+){{0,2}} (?:in|by) (?:the|my|our|this|any)(?: \w+)? {_SOURCE}\b",
    r"\b(?:no|insufficient|not enough) (?:relevant )?information\b",
    r"\bthere (?:is|was) (?:no|nothing)(?: \w+){0,3} (?:answer|information|context)\b",
    r"\bcannot be answered\b",
)
"""Patterns over lower-case text: each says by itself that the answer was not found or will not be given."""

_REFUSAL = re.compile("|".join(f"(?:{phrase})" for phrase in REFUSALS))


def normalise(text: str) -> str:
    """SQuAD (Rajpurkar et al. 2016): lower case, no punctuation, no articles, single spaces."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def content_words(text: str) -> list[str]:
    """Words that carry content, lower case and in order. Numbers count; a plural `s` and a possessive do not."""
    words = (word.replace("’", "'").removesuffix("'s") for word in _WORD.findall(text.lower()))
    return [_singular(word) for word in words if word not in STOP_WORDS]


def refuses(text: str) -> bool:
    """Does this answer say that it cannot answer? By phrase (`REFUSALS`), in English, in any of its sentences."""
    return _REFUSAL.search(" ".join(text.lower().replace("’", "'").split())) is not None


def _singular(word: str) -> str:
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word
