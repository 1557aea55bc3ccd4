"""A LangGraph application traced by LangSmith's SDK: an agent that calls a tool and goes on, with a file attached.

Settings: LANGSMITH_ENDPOINT, LANGSMITH_API_KEY, LANGSMITH_TRACING, LANGSMITH_PROJECT; OPENAI_BASE_URL, OPENAI_API_KEY.
"""

import os
from typing import Annotated, TypedDict

from langchain_core.messages import AnyMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langgraph.graph import START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.prebuilt import ToolNode, tools_condition
from langsmith import Client, traceable
from langsmith.schemas import Attachment

session = os.environ["BENCH_SESSION"]
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
app = graph.compile()


@traceable(name="answer", tags=["bench"], metadata={"session_id": session, "user_id": "ada"})
def answer(question: str, note: Attachment) -> str:
    metadata = {"session_id": session, "user_id": "ada"}
    told = app.invoke({"messages": [("user", question)]}, config={"metadata": metadata, "tags": ["bench"]})
    return told["messages"][-1].content


client = Client()
answer(QUESTION, Attachment("text/plain", b"as ada.lovelace@mail-box.org said"), langsmith_extra={"client": client})
client.flush()
