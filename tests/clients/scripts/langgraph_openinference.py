"""A LangGraph application traced by OpenInference's instrumentation of LangChain, registered by arize-phoenix-otel.

Settings: PHOENIX_COLLECTOR_ENDPOINT, PHOENIX_API_KEY; OPENAI_BASE_URL, OPENAI_API_KEY.
"""

import os

from langgraph_agent import QUESTION, graph
from openinference.instrumentation import using_attributes
from openinference.instrumentation.langchain import LangChainInstrumentor
from phoenix.otel import register

provider = register(project_name="support", batch=True, verbose=False, protocol="http/protobuf")
LangChainInstrumentor().instrument(tracer_provider=provider)
app = graph.compile(name="answer")

with using_attributes(session_id=os.environ["BENCH_SESSION"], user_id="ada", tags=["bench"]):
    app.invoke({"messages": [("user", QUESTION)]})
provider.force_flush()
provider.shutdown()
