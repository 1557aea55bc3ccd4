"""A LangGraph application traced by LangSmith's SDK: an agent that calls a tool and goes on, with a file attached.

Settings: LANGSMITH_ENDPOINT, LANGSMITH_API_KEY, LANGSMITH_TRACING, LANGSMITH_PROJECT; OPENAI_BASE_URL, OPENAI_API_KEY.
"""

import os

from langgraph_agent import QUESTION, app
from langsmith import Client, traceable
from langsmith.schemas import Attachment

session = os.environ["BENCH_SESSION"]


@traceable(name="answer", tags=["bench"], metadata={"session_id": session, "user_id": "ada"})
def answer(question: str, note: Attachment) -> str:
    metadata = {"session_id": session, "user_id": "ada"}
    told = app.invoke({"messages": [("user", question)]}, config={"metadata": metadata, "tags": ["bench"]})
    return told["messages"][-1].content


client = Client()
answer(QUESTION, Attachment("text/plain", b"as ada.lovelace@mail-box.org said"), langsmith_extra={"client": client})
client.flush()
