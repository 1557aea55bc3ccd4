"""What goes wrong becomes an incident. The windows and detectors that will open them too live here as well."""

from assay_server.monitors.incidents import SEVERITIES, STATUSES, Incidents, shaped
from assay_server.monitors.rows import Entry, Incident

__all__ = ["SEVERITIES", "STATUSES", "Entry", "Incident", "Incidents", "shaped"]
