"""Who may do what, what they did, and answers that must not be given twice."""

from assay_server.governance.accounts import Accounts, Bootstrapped
from assay_server.governance.audit import Audit
from assay_server.governance.idempotency import Idempotency
from assay_server.governance.roles import ROLES

__all__ = ["ROLES", "Accounts", "Audit", "Bootstrapped", "Idempotency"]
