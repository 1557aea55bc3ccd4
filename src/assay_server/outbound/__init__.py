"""What leaves on its own: files on a schedule, spans to another collector."""

from assay_server.outbound.downloads import Downloads
from assay_server.outbound.exports import ScheduledExports
from assay_server.outbound.forwards import Forwards
from assay_server.outbound.own_thread import some_are_left

__all__ = ["Downloads", "Forwards", "ScheduledExports", "some_are_left"]
