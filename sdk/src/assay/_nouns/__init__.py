"""The endpoints of the REST API, by noun; each written once for both clients."""

from assay._nouns.access import Audit, Keys, Projects, Providers, SignIn
from assay._nouns.dashboards import Dashboards
from assay._nouns.evaluation import Checks, Runs, Suites, Verdicts
from assay._nouns.facts import Chat, Scores, Spans, Traces
from assay._nouns.flow import Flags, Forwards, Quotas, Sampling, ScheduledExports
from assay._nouns.keeping import Backups, Compactions, Deletions, Outgoing, Retention
from assay._nouns.looking import Sessions, Sql, Users, Views
from assay._nouns.money import Costs, Prices
from assay._nouns.monitors import Monitors, NotificationChannels, Silences
from assay._nouns.registry import Datasets, Prompts, Releases, RetrievalConfigs
from assay._nouns.rollout import Canaries, Channels, Incidents

__all__ = [
    "Audit",
    "Backups",
    "Canaries",
    "Channels",
    "Chat",
    "Checks",
    "Compactions",
    "Costs",
    "Dashboards",
    "Datasets",
    "Deletions",
    "Flags",
    "Forwards",
    "Incidents",
    "Keys",
    "Monitors",
    "NotificationChannels",
    "Outgoing",
    "Prices",
    "Projects",
    "Prompts",
    "Providers",
    "Quotas",
    "Releases",
    "Retention",
    "RetrievalConfigs",
    "Runs",
    "Sampling",
    "ScheduledExports",
    "Scores",
    "Sessions",
    "SignIn",
    "Silences",
    "Spans",
    "Sql",
    "Suites",
    "Traces",
    "Users",
    "Verdicts",
    "Views",
]
