"""LLM vendors: one HTTP client, a row per OpenAI-compatible vendor, a file per other dialect, a local model."""

from assay_server.providers.batch import BATCH_KEYS, BATCH_WORDS, says_batch
from assay_server.providers.dialects import Dialect, Reader, dialect
from assay_server.providers.failures import failure, retry_after
from assay_server.providers.http import HttpUpstream
from assay_server.providers.local_process import LocalLlm
from assay_server.providers.openai import DONE
from assay_server.providers.prices import Prices, Rate, Rates
from assay_server.providers.prices_own import OwnPrice, applying
from assay_server.providers.sse import data_of
from assay_server.providers.transcript import LEAST_LOGPROB, Event, Transcript
from assay_server.providers.upstream import Endpoint, Incoming, Outgoing, Upstream

__all__ = [
    "BATCH_KEYS",
    "BATCH_WORDS",
    "DONE",
    "LEAST_LOGPROB",
    "Dialect",
    "Endpoint",
    "Event",
    "HttpUpstream",
    "Incoming",
    "LocalLlm",
    "Outgoing",
    "OwnPrice",
    "Prices",
    "Rate",
    "Rates",
    "Reader",
    "Transcript",
    "Upstream",
    "applying",
    "data_of",
    "dialect",
    "failure",
    "retry_after",
    "says_batch",
]
