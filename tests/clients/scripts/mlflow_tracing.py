"""MLflow's tracing SDK: nested spans, autolog of openai with a picture, an experiment, feedback and an expectation, and
what it reads back of its own trace.

Settings: MLFLOW_TRACKING_URI, MLFLOW_TRACKING_TOKEN; OPENAI_BASE_URL, OPENAI_API_KEY.
"""

import os

import mlflow
import openai
from mlflow.entities import AssessmentSource, Document, SpanType

# One pixel, whose author is told beside it.
PICTURE = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAAIHRFWHRBdXRob3IAYWRhLmxvdmVsYWNlQG1haWwtYm94"
    "Lm9yZ6Z2nyQAAAAKSURBVHicY2AAAAACAAFIr6RxAAAAAElFTkSuQmCC"
)

session = os.environ["BENCH_SESSION"]
experiment = mlflow.set_experiment("support")
mlflow.openai.autolog()
client = openai.OpenAI()


@mlflow.trace(span_type=SpanType.TOOL)
def look_up(topic: str) -> str:
    return "14 days"


@mlflow.trace(span_type=SpanType.AGENT)
def answer(question: str) -> str:
    mlflow.update_current_trace(
        tags={"shop": "north"},
        metadata={"mlflow.trace.user": "ada", "mlflow.trace.session": session},
    )
    with mlflow.start_span("search", span_type=SpanType.RETRIEVER) as span:
        span.set_inputs({"query": "refunds"})
        span.set_outputs([Document("14 days", metadata={"shelf": 3}, id="faq-1")])
    look_up("refunds")
    asked = [{"type": "text", "text": question}, {"type": "image_url", "image_url": {"url": PICTURE}}]
    told = client.chat.completions.create(
        model="gpt-4o-mini",
        messages=[{"role": "system", "content": "You help."}, {"role": "user", "content": asked}],
    )
    return told.choices[0].message.content


answer("I am ada.lovelace@mail-box.org. How long do refunds take?")
trace_id = mlflow.get_last_active_trace_id()
mlflow.flush_trace_async_logging()
person = AssessmentSource(source_type="HUMAN", source_id="grace")
mlflow.log_feedback(
    trace_id=trace_id, name="helpful", value=0.75, source=person, rationale="as ada.lovelace@mail-box.org said"
)
mlflow.log_feedback(trace_id=trace_id, name="correct", value=True)
mlflow.log_feedback(trace_id=trace_id, name="tone", value="friendly")
mlflow.log_expectation(trace_id=trace_id, name="days", value=14, source=person)

mine = mlflow.get_trace(trace_id)
assert [span.name for span in mine.data.spans] == ["answer", "search", "look_up", "Completions"]
assert mine.data.spans[1].outputs[0]["page_content"] == "14 days"
assert (mine.info.trace_metadata["mlflow.trace.user"], mine.info.tags["shop"]) == ("ada", "north")
given = {assessment.name: assessment for assessment in mine.info.assessments}
assert (given["helpful"].feedback.value, given["correct"].feedback.value) == (0.75, True)
assert (given["tone"].feedback.value, given["days"].expectation.value) == ("friendly", 14)
where = f"metadata.`mlflow.trace.session` = '{session}' AND status = 'OK'"
[found] = mlflow.search_traces(locations=[experiment.experiment_id], filter_string=where, return_type="list")
assert found.info.trace_id == trace_id
