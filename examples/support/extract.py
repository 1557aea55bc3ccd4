"""How the extractive answerer finds its answer. Pure: messages in, text out.

It is not a language model. It splits the context that it is given into sentences, takes the one nearest to the
question, and quotes it. It obeys two instructions, and only if they stand in the system message (in any case):

    say so if the context does not hold the answer
    cite the document

Everything it knows is in the messages of the request: passages that begin with a line `[id] title`, and the line
`Question: …`. The weights of the score and the two limits were chosen on the questions of the example; the page
`docs/five-minute-start.md` says what it gets wrong.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from examples.support.corpus import sentences
from examples.support.embeddings import Vectors

SAY_SO = "say so if the context does not hold the answer"
CITE = "cite the document"
NOT_FOUND = "I could not find that in our documents."
NOTHING_GIVEN = "Nothing was given to quote."

NEAR_ENOUGH = 0.46  # least score of a sentence that is taken for an answer
_SHARED_WORDS = 0.2  # weight of the share of the question's words that the sentence has; the cosine counts 1

_PASSAGE = re.compile(
    r"^\[(?P<id>[^\]\n]+)\] ?(?P<title>[^\n]*)\n(?P<text>.*?)(?=\n\s*\n|\n\[|\Z)", re.MULTILINE | re.DOTALL
)
_QUESTION = re.compile(r"^Question:\s*(.+?)\s*\Z", re.MULTILINE | re.DOTALL)
_WORD = re.compile(r"[a-z0-9]+")
_STOP_WORDS = frozenset(
    [
        *(
            "a",
            "after",
            "an",
            "and",
            "any",
            "are",
            "as",
            "at",
            "be",
            "before",
            "by",
            "can",
            "could",
            "did",
            "do",
            "does",
        ),
        *(
            "for",
            "from",
            "get",
            "had",
            "has",
            "have",
            "how",
            "i",
            "if",
            "in",
            "is",
            "it",
            "its",
            "me",
            "must",
            "my",
            "no",
        ),
        *("not", "of", "on", "or", "our", "that", "the", "there", "they", "this", "to", "was", "we", "were", "what"),
        *("when", "which", "who", "why", "will", "with", "you", "your"),
    ]
)

Embed = Callable[[str], Vectors]


@dataclass(slots=True, frozen=True)
class Quote:
    """The answer: a sentence and the document it stands in; no document when nothing was found."""

    text: str
    document: str | None


def answer(messages: Sequence[Mapping[str, Any]], embed: Embed) -> Quote:
    """Quote the sentence of the context that is nearest to the question, as the instructions allow."""
    rules = " ".join(_texts(messages, "system").lower().split())
    prompt = _texts(messages, "user")
    best = _best(_question(prompt), prompt, embed)
    if best is None:
        return Quote(NOT_FOUND if SAY_SO in rules else NOTHING_GIVEN, None)
    score, sentence, document = best
    if SAY_SO in rules and score < NEAR_ENOUGH:
        return Quote(NOT_FOUND, None)
    return Quote(sentence, document if CITE in rules else None)


def _best(question: str, prompt: str, embed: Embed) -> tuple[float, str, str] | None:
    asked, vector = _words(question), embed(question)
    best: tuple[float, str, str] | None = None
    for passage in _PASSAGE.finditer(prompt):
        for sentence in sentences(" ".join(passage["text"].split())):
            shared = len(asked & _words(sentence)) / max(1, len(asked))
            near = float(embed(f"{passage['title']}: {sentence}") @ vector)
            score = near + _SHARED_WORDS * shared
            if best is None or score > best[0]:
                best = score, sentence, passage["id"]
    return best


def _question(prompt: str) -> str:
    found = _QUESTION.search(prompt)
    return found[1] if found else prompt.strip()


def _texts(messages: Sequence[Mapping[str, Any]], role: str) -> str:
    """All text of that role; a content may be a string or a list of parts."""
    texts: list[str] = []
    for message in messages:
        content = message.get("content") if message.get("role") == role else None
        if isinstance(content, str):
            texts.append(content)
        elif isinstance(content, list):
            texts += [part["text"] for part in content if isinstance(part, dict) and isinstance(part.get("text"), str)]
    return "\n".join(texts)


def _words(text: str) -> set[str]:
    found = (word for word in _WORD.findall(text.lower()) if word not in _STOP_WORDS)
    return {word[:-1] if len(word) > 3 and word.endswith("s") else word for word in found}
