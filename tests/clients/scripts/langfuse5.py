"""Langfuse's Python SDK from version 3 on (versions 3, 4 and 5 run the same lines): nested `@observe`, a generation
with usage and a linked session, scores by number, truth and category, a picture.

Settings: LANGFUSE_HOST and LANGFUSE_BASE_URL, LANGFUSE_PUBLIC_KEY, LANGFUSE_SECRET_KEY.
"""

import base64
import os

from langfuse import Langfuse, observe, propagate_attributes
from langfuse.media import LangfuseMedia

# One pixel, whose author is told beside it. Each run makes it its own: what is known is not put again.
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAAIHRFWHRBdXRob3IAYWRhLmxvdmVsYWNlQG1haWwtYm94Lm9yZ6Z2"
    "nyQAAAAKSURBVHicY2AAAAACAAFIr6RxAAAAAElFTkSuQmCC"
)

session = os.environ["BENCH_SESSION"]
client = Langfuse(environment="staging", release="v7")
assert client.auth_check()


@observe(as_type="tool")
def look_up(topic: str) -> str:
    return "14 days"


@observe(as_type="retriever")
def search(query: str) -> list[str]:
    return ["14 days"]


@observe(as_type="agent")
def answer(question: str) -> str:
    search("refunds")
    look_up("refunds")
    picture = LangfuseMedia(content_bytes=PICTURE + session.encode(), content_type="image/png")
    messages = [{"role": "user", "content": [{"type": "text", "text": question}, {"type": "image", "image": picture}]}]
    with client.start_as_current_observation(
        as_type="generation", name="chat", model="gpt-4o-mini-2024-07-18", input=messages
    ) as call:
        call.update(
            output={"role": "assistant", "content": "Refunds take 14 days."},
            model_parameters={"temperature": 0},
            usage_details={"input": 100, "input_cached_tokens": 20, "output": 20, "output_reasoning_tokens": 10},
            metadata={"experiment": "exp"},
        )
        call.score(name="correct", value=1, data_type="BOOLEAN", comment="as ada.lovelace@mail-box.org said")
    client.score_current_trace(name="helpful", value=0.75)
    client.score_current_trace(name="tone", value="friendly", data_type="CATEGORICAL")
    return "Refunds take 14 days."


with propagate_attributes(user_id="ada", session_id=session, tags=["bench"]):
    answer("I am ada.lovelace@mail-box.org. How long do refunds take?")
client.create_score(name="solved", value=1.0, session_id=session)
client.flush()
client.shutdown()
