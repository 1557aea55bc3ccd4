"""What is kept and what is let go: retention, deletion of people, backups, compaction."""

from assay_server.keeping.house import Keeping
from assay_server.keeping.keeper import Keeper
from assay_server.keeping.passes import Passes
from assay_server.keeping.retention import Retention

__all__ = ["Keeper", "Keeping", "Passes", "Retention"]
