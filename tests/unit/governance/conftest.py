import pytest

from assay_server.governance import Accounts, Audit
from assay_server.ledger import Ledger
from tests.fakes.clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def audit(any_ledger: Ledger, clock: FakeClock) -> Audit:
    return Audit(any_ledger, clock, lambda text: (text.replace("ada@example.com", "[EMAIL_ADDRESS]"), []))


@pytest.fixture
def accounts(any_ledger: Ledger, audit: Audit, clock: FakeClock) -> Accounts:
    return Accounts(any_ledger, audit, clock)
