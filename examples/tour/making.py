"""The four releases of the story, made from files by the public API. Equal content is the release that exists."""

import hashlib
import json
from typing import Any

from examples.tour.context import SUPPORT, Tour

NAME = "support"
MODEL = "extractive/extractive-2026-11-01"
PROMPT = "support/answer"
RETRIEVAL = "support/retrieval"

STORY = {
    "A": (1, 1, "The first release: one passage a question."),
    "B": (2, 1, "Customers dislike refusals: the prompt now always helps."),
    "C": (1, 2, "Five passages a question instead of one."),
    "D": (1, 3, "The index moved to the new machine."),
}
"""Letter -> version of the prompt, of the retrieval configuration, and the changelog."""


async def push_parts(tour: Tour) -> None:
    """Prompts and retrieval configurations, from the files in the repository."""
    await tour.assay("prompt", "push", str(SUPPORT / "prompts"))
    for file in sorted((SUPPORT / "retrieval").glob("*.yaml")):
        await tour.assay("retrieval", "push", str(file), show=False)
    tour.screen.command("assay retrieval push examples/support/retrieval/v1.yaml   (and v2, v3)")


async def make(tour: Tour, letter: str) -> dict[str, Any]:
    """Release A, B, C or D."""
    prompt, retrieval, changelog = STORY[letter]
    release = await tour.client.releases.create(
        NAME,
        prompts={"answer": f"{PROMPT}@{prompt}"},
        model=MODEL,
        parameters={"temperature": 0},
        output_schema=json.loads((SUPPORT / "answer.schema.json").read_text()),
        retrieval_config=f"{RETRIEVAL}@{retrieval}",
        guard_policy={"input": {"pii": "observe"}, "max_input_chars": 8000},
        code_ref=_code_ref(),
        changelog=changelog,
    )
    tour.releases[letter] = release
    return release


def ref(release: dict[str, Any]) -> str:
    """`support@2`, as people write it."""
    return f"{release['name']}@{release['version']}"


def _code_ref() -> str:
    """The digest of the service's own code: the example may lie in a folder without git."""
    digest = hashlib.sha256()
    for file in sorted(SUPPORT.glob("*.py")):
        digest.update(file.name.encode() + file.read_bytes())
    return f"examples/support@sha256:{digest.hexdigest()[:12]}"
