"""What is kept and what is let go: retention, deletion of people and traces, backups, compaction."""

from assay_server.keeping.backup_files import facts_of
from assay_server.keeping.backups import Backups, Places
from assay_server.keeping.compactions import Compactions
from assay_server.keeping.deletion_work import DeletionWork
from assay_server.keeping.deletions import Asked, DeletionOfTrace, Deletions, Sites
from assay_server.keeping.house import Keeping
from assay_server.keeping.outgoing import Outgoing, held_in
from assay_server.keeping.passes import Passes
from assay_server.keeping.remains import of_log_record as remains_of_log_record
from assay_server.keeping.restore import restore, verify
from assay_server.keeping.restoring import refuse_half
from assay_server.keeping.retention import Retention
from assay_server.keeping.scores import ScoresTakenBack
from assay_server.keeping.subjects import Found, Named

__all__ = [
    "Asked",
    "Backups",
    "Compactions",
    "DeletionOfTrace",
    "DeletionWork",
    "Deletions",
    "Found",
    "Keeping",
    "Named",
    "Outgoing",
    "Passes",
    "Places",
    "Retention",
    "ScoresTakenBack",
    "Sites",
    "facts_of",
    "held_in",
    "refuse_half",
    "remains_of_log_record",
    "restore",
    "verify",
]
