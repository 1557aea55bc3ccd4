"""Nothing but the OpenAI client, pointed at Assay's gateway: every call becomes a span with tokens, cost and latency.

    export ASSAY_API_KEY=sk_…
    python examples/quickstart/openai_client.py local/smollm2-135m-instruct "Say hello."

The first argument is PROVIDER/MODEL, `release:<name>` or `channel:<name>`; see `assay provider add --help`.
The provider `local` is there where the server was started with `assay up --local-llm`.
"""

import os
import sys

from openai import OpenAI


def main(model: str, question: str) -> None:
    """Streams one answer to stdout."""
    url = os.environ.get("ASSAY_URL", "http://127.0.0.1:4600")
    client = OpenAI(base_url=f"{url}/v1", api_key=os.environ["ASSAY_API_KEY"])
    stream = client.chat.completions.create(
        model=model,
        messages=[{"role": "user", "content": question}],
        user="ada",
        extra_headers={"x-assay-session": "s-1", "x-assay-tags": "example"},
        stream=True,
    )
    for chunk in stream:
        if chunk.choices:
            print(chunk.choices[0].delta.content or "", end="", flush=True)
    print()


if __name__ == "__main__":
    if len(sys.argv) != 3 or "ASSAY_API_KEY" not in os.environ:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2])
