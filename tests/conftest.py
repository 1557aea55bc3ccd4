"""What every test may use."""

pytest_plugins = ["tests.fixtures.ledger", "tests.fixtures.postgresql", "tests.fixtures.server"]
