"""A question answered by what is live: release, retriever, model call and feedback in one trace.

    export ASSAY_API_KEY=sk_…            # printed by `assay up`
    python examples/quickstart/assay_sdk.py "How long is the warranty?"

Wants a release on the channel `production`; `make demo` leaves one there.
"""

import os
import sys

from openai import OpenAI

import assay

CHANNEL = "production"


@assay.observe(kind="retriever")
def retrieve(question: str) -> list[str]:
    """Stands for a search in an index."""
    documents = [{"id": "warranty", "content": "The warranty lasts two years.", "score": 0.92}]
    assay.current_span().documents(documents)
    return [str(document["content"]) for document in documents]


@assay.observe(kind="chain")
def answer(question: str, user: str) -> str:
    """The application asks for the channel, never for a prompt text or a model's name."""
    release = assay.release(CHANNEL, user=user)
    known = {"question": question, "context": "\n".join(retrieve(question))}
    wanted = {name: known[name] for name in release.prompt("answer").variables}
    client = OpenAI(base_url=f"{os.environ.get('ASSAY_URL', 'http://127.0.0.1:4600')}/v1", api_key=_key())
    reply = client.chat.completions.create(
        model=release.model,
        messages=[],
        user=user,
        extra_headers=release.headers,
        extra_body={"assay": {"prompt": "answer", "variables": wanted}},
    )
    return reply.choices[0].message.content or ""


def main() -> None:
    """Asks once, prints the answer, says that it helped."""
    assay.init(service="quickstart", environment="example")
    question = sys.argv[1] if len(sys.argv) > 1 else "How long is the warranty?"
    with assay.context(user="ada", session="s-1", tags=["example"]), assay.span("request") as request:
        print(answer(question, user="ada"))
        assay.score("user_feedback", 1, source="end_user")
    print(f"trace: assay trace show {request.trace_id}")


def _key() -> str:
    return os.environ.get("ASSAY_API_KEY", "none")


if __name__ == "__main__":
    main()
