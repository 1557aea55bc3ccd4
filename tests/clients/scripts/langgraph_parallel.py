"""A LangGraph application whose branches run beside each other, one of which fails once and is tried again; its models
stream. Traced by LangSmith's SDK.

Settings: LANGSMITH_ENDPOINT, LANGSMITH_API_KEY, LANGSMITH_TRACING, LANGSMITH_PROJECT; OPENAI_BASE_URL, OPENAI_API_KEY.
"""

import operator
import os
import sys
from typing import Annotated, TypedDict

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.tracers.langchain import wait_for_all_tracers
from langchain_openai import ChatOpenAI
from langgraph.graph import END, START, StateGraph
from langgraph.types import RetryPolicy

sys.tracebacklimit = 0  # its client sends stack traces, and a recording may not tell where it was made
QUESTION = "I am ada.lovelace@mail-box.org. How long do refunds take?"


class State(TypedDict):
    question: str
    notes: Annotated[list[str], operator.add]
    answer: str


class Handbook(BaseRetriever):
    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        return [Document("14 days", id="faq-1", metadata={"shelf": 3})]


model = ChatOpenAI(model="gpt-4o-mini", streaming=True, stream_usage=True)
tried = []


def handbook(state: State) -> dict[str, list[str]]:
    return {"notes": [found.page_content for found in Handbook().invoke(state["question"])]}


def summary(state: State) -> dict[str, list[str]]:
    return {"notes": [model.invoke(state["question"]).content]}


def orders(state: State) -> dict[str, list[str]]:
    tried.append(state)
    if len(tried) == 1:
        raise ConnectionError("the orders of ada.lovelace@mail-box.org cannot be reached")
    return {"notes": ["no order"]}


def write(state: State) -> dict[str, str]:
    return {"answer": model.invoke([("system", "You help."), ("user", state["question"])]).content}


graph = StateGraph(State)
graph.add_node("write", write)
graph.add_node("handbook", handbook)
graph.add_node("summary", summary)
graph.add_node("orders", orders, retry_policy=RetryPolicy(initial_interval=0.01, retry_on=ConnectionError))
for branch in ("handbook", "summary", "orders"):
    graph.add_edge(START, branch)
graph.add_edge(["handbook", "summary", "orders"], "write")
graph.add_edge("write", END)

metadata = {"session_id": os.environ["BENCH_SESSION"], "user_id": "ada"}
config = {"metadata": metadata, "tags": ["bench"], "run_name": "desk"}
graph.compile().invoke({"question": QUESTION, "notes": []}, config=config)
wait_for_all_tracers()
