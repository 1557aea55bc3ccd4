"""A LangGraph application traced by OpenInference's instrumentation of LangChain, registered by arize-phoenix-otel.

Settings: PHOENIX_COLLECTOR_ENDPOINT, PHOENIX_API_KEY; OPENAI_BASE_URL, OPENAI_API_KEY.
"""

import os
from typing import Annotated, TypedDict

from langchain_core.messages import AnyMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langgraph.graph import START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.prebuilt import ToolNode, tools_condition
from openinference.instrumentation import using_attributes
from openinference.instrumentation.langchain import LangChainInstrumentor
from phoenix.otel import register

provider = register(project_name="support", batch=True, verbose=False, protocol="http/protobuf")
LangChainInstrumentor().instrument(tracer_provider=provider)
QUESTION = "I am ada.lovelace@mail-box.org. How long do refunds take?"


class State(TypedDict):
    messages: Annotated[list[AnyMessage], add_messages]


@tool
def look_up(topic: str) -> str:
    """What the handbook says of a topic."""
    return "14 days"


model = ChatOpenAI(model="gpt-4o-mini").bind_tools([look_up])


def agent(state: State) -> State:
    return {"messages": [model.invoke(state["messages"])]}


graph = StateGraph(State)
graph.add_node("agent", agent)
graph.add_node("tools", ToolNode([look_up]))
graph.add_edge(START, "agent")
graph.add_conditional_edges("agent", tools_condition)
graph.add_edge("tools", "agent")
app = graph.compile(name="answer")

with using_attributes(session_id=os.environ["BENCH_SESSION"], user_id="ada", tags=["bench"]):
    app.invoke({"messages": [("user", QUESTION)]})
provider.force_flush()
provider.shutdown()
