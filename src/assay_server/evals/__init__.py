"""Suites, runs and the gate: did it get better or worse, and how sure are we?"""

from assay_server.evals.facts import StoredFacts
from assay_server.evals.gate import Gate
from assay_server.evals.ports import Answered, DatasetReader, ReleaseReader, RunFacts, Scored, VerdictBook
from assay_server.evals.runs import Runs
from assay_server.evals.suites import Suites

__all__ = [
    "Answered",
    "DatasetReader",
    "Gate",
    "ReleaseReader",
    "RunFacts",
    "Runs",
    "Scored",
    "StoredFacts",
    "Suites",
    "VerdictBook",
]
