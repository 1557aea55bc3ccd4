"""What leaves on its own: files on a schedule, spans to another collector."""

from assay_server.outbound.exports import ScheduledExports

__all__ = ["ScheduledExports"]
