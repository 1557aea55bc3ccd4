"""The chat pipeline, one small file per step, folded: one door to every model, one span for every call."""

from assay_server.gateway.call import Call, Reply
from assay_server.gateway.config import Limits
from assay_server.gateway.gateway import Gateway
from assay_server.gateway.steps.guard import Blocked

__all__ = ["Blocked", "Call", "Gateway", "Limits", "Reply"]
