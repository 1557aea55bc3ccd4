"""LangSmith's REST API as far as its SDK (and with it LangChain and LangGraph) needs it. See docs/langsmith.md."""

from assay_server.api.dialects.langsmith.routes import router

__all__ = ["router"]
