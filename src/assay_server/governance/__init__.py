"""Who may do what, what they did, what a project lets in, and answers that must not be given twice."""

from assay_server.governance.accounts import Accounts
from assay_server.governance.audit import Audit
from assay_server.governance.counts import BYTES, DROP, LACKING, MINUTE_NS, SAMPLE, SAMPLED_OUT, SPANS, Counts
from assay_server.governance.flags import DROPPED, SCORED, SKIPPED, Flagging, Flags
from assay_server.governance.forgetting import forget_answers
from assay_server.governance.idempotency import Idempotency
from assay_server.governance.making import Bootstrapped
from assay_server.governance.matching import fraction, matcher
from assay_server.governance.quotas import Quotas
from assay_server.governance.roles import ROLES
from assay_server.governance.sampling import Sampling
from assay_server.governance.sampling_policy import (
    FIELDS,
    Match,
    Policy,
    Rule,
    Tail,
    parse,
    parse_match,
    refuse_idle_rules,
)

__all__ = [
    "BYTES",
    "DROP",
    "DROPPED",
    "FIELDS",
    "LACKING",
    "MINUTE_NS",
    "ROLES",
    "SAMPLE",
    "SAMPLED_OUT",
    "SCORED",
    "SKIPPED",
    "SPANS",
    "Accounts",
    "Audit",
    "Bootstrapped",
    "Counts",
    "Flagging",
    "Flags",
    "Idempotency",
    "Match",
    "Policy",
    "Quotas",
    "Rule",
    "Sampling",
    "Tail",
    "forget_answers",
    "fraction",
    "matcher",
    "parse",
    "parse_match",
    "refuse_idle_rules",
]
