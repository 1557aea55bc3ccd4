"""A gateway on real sockets, with a provider that misbehaves on request."""

from collections.abc import AsyncGenerator

import pytest

from assay_server.gateway import Limits
from tests.fakes.gateway import World, running


@pytest.fixture
async def world() -> AsyncGenerator[World, None]:
    async with running() as found:
        yield found


@pytest.fixture
async def hasty() -> AsyncGenerator[World, None]:
    """With deadlines a test can wait for."""
    async with running(Limits(first_token_s=0.15, between_tokens_s=0.15, answer_s=0.15)) as found:
        yield found


@pytest.fixture
async def restless() -> AsyncGenerator[World, None]:
    """With deadlines that a busy machine keeps where the provider is not late."""
    async with running(Limits(first_token_s=1, between_tokens_s=1, answer_s=1)) as found:
        yield found
