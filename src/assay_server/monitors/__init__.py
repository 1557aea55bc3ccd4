"""What goes wrong is seen and told: monitors over windows of facts, the incidents they open, and the news of them."""

from assay_server.monitors.announce import Announcer
from assay_server.monitors.forgetting import forget_group
from assay_server.monitors.incidents import SEVERITIES, STATUSES, Incidents, shaped
from assay_server.monitors.monitors import Monitors
from assay_server.monitors.ready_made import READY_MADE
from assay_server.monitors.rows import Entry, Incident

__all__ = [
    "READY_MADE",
    "SEVERITIES",
    "STATUSES",
    "Announcer",
    "Entry",
    "Incident",
    "Incidents",
    "Monitors",
    "forget_group",
    "shaped",
]
