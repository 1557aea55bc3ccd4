"""An agent of LangGraph traced by Langfuse's handler of LangChain.

Settings: LANGFUSE_BASE_URL, LANGFUSE_PUBLIC_KEY, LANGFUSE_SECRET_KEY; OPENAI_BASE_URL, OPENAI_API_KEY.
"""

import os

from langfuse import get_client
from langfuse.langchain import CallbackHandler
from langgraph_agent import QUESTION, app

told = {"langfuse_user_id": "ada", "langfuse_session_id": os.environ["BENCH_SESSION"], "langfuse_tags": ["bench"]}
app.invoke({"messages": [("user", QUESTION)]}, config={"callbacks": [CallbackHandler()], "metadata": told})
get_client().flush()
