"""An agent of LangGraph that calls a tool and goes on: the same for every client that traces LangChain.

Settings: OPENAI_BASE_URL, OPENAI_API_KEY.
"""

from typing import Annotated, TypedDict

from langchain_core.messages import AnyMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langgraph.graph import START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.prebuilt import ToolNode, tools_condition

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
