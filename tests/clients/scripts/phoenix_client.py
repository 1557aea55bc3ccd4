"""Phoenix's client: annotations of spans, of their trace, session and documents; spans logged by hand, and read back.

Settings: PHOENIX_COLLECTOR_ENDPOINT, PHOENIX_API_KEY.
"""

import os
import time

from opentelemetry import trace
from phoenix.client import Client
from phoenix.otel import register

session = os.environ["BENCH_SESSION"]
provider = register(project_name="support", protocol="http/protobuf", verbose=False)
tracer = trace.get_tracer("shop")
with tracer.start_as_current_span("answer") as root:
    root.set_attributes({"openinference.span.kind": "AGENT", "session.id": session, "user.id": "ada"})
    with tracer.start_as_current_span("search") as search:
        search.set_attributes(
            {
                "openinference.span.kind": "RETRIEVER",
                "input.value": "refunds",
                "retrieval.documents.0.document.id": "faq-1",
                "retrieval.documents.0.document.content": "14 days",
            }
        )
provider.force_flush()
trace_id = f"{root.get_span_context().trace_id:032x}"
root_id, search_id = (f"{span.get_span_context().span_id:016x}" for span in (root, search))

client = Client()
now = time.time()


def moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now + seconds)) + "+00:00"


client.spans.log_spans(
    project_identifier="support",
    spans=[
        {
            "name": "chat",
            "context": {"trace_id": trace_id, "span_id": "00000000000000cc"},
            "parent_id": root_id,
            "span_kind": "LLM",
            "start_time": moment(0),
            "end_time": moment(1),
            "status_code": "OK",
            "attributes": {
                "llm.model_name": "gpt-4o-mini-2024-07-18",
                "llm.provider": "openai",
                "input.value": "I am ada.lovelace@mail-box.org. How long do refunds take?",
                "output.value": "Refunds take 14 days.",
                "llm.token_count.prompt": 120,
                "llm.token_count.completion": 30,
                "llm.token_count.prompt_details.cache_read": 20,
                "llm.token_count.completion_details.reasoning": 10,
                "session.id": session,
                "user.id": "ada",
            },
        }
    ],
)
[helpful] = client.spans.log_span_annotations(
    span_annotations=[
        {
            "name": "helpful",
            "annotator_kind": "HUMAN",
            "span_id": root_id,
            "result": {"score": 0.75, "explanation": "as ada.lovelace@mail-box.org said"},
        }
    ],
    sync=True,
)
assert helpful["id"]
client.spans.add_span_annotation(
    span_id=root_id, annotation_name="tone", annotator_kind="LLM", label="friendly", metadata={"by": "judge-1"}
)
client.spans.add_span_note(span_id=root_id, note="look at this one")
client.spans.add_document_annotation(
    span_id=search_id, document_position=0, annotation_name="relevance", annotator_kind="CODE", score=1
)
client.traces.add_trace_annotation(trace_id=trace_id, annotation_name="correct", annotator_kind="CODE", score=1)
client.sessions.add_session_annotation(
    session_id=session, annotation_name="solved", annotator_kind="HUMAN", label="yes", score=1
)

found = client.spans.get_spans(project_identifier="support", trace_ids=[trace_id])
assert {span["name"] for span in found} == {"answer", "search", "chat"}
given = client.spans.get_span_annotations(project_identifier="support", span_ids=[root_id])
assert {one["name"]: one["result"].get("score") for one in given} == {"helpful": 0.75, "tone": None}
