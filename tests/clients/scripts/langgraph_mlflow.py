"""An agent of LangGraph traced by MLflow's autolog of LangChain.

Settings: MLFLOW_TRACKING_URI, MLFLOW_TRACKING_TOKEN; OPENAI_BASE_URL, OPENAI_API_KEY.
"""

import os

import mlflow
from langgraph_agent import QUESTION, app

mlflow.set_experiment("support")
mlflow.langchain.autolog()
config = {"metadata": {"thread_id": os.environ["BENCH_SESSION"]}}
app.invoke({"messages": [("user", QUESTION)]}, config=config)
mlflow.flush_trace_async_logging()
