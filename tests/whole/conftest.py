"""The running group, with limits out of the way."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.running import RealGroup, prepared

FAST = {
    "CALLCOV_API_SUBMISSIONS_PER_MINUTE": "1000",
    "CALLCOV_API_REQUESTS_PER_MINUTE": "10000",
    "CALLCOV_ENGINE_SUBMISSIONS_PER_MINUTE": "1000",
    "CALLCOV_ENGINE_REQUESTS_PER_MINUTE": "10000",
}


@pytest.fixture
def new_group(tmp_path) -> Iterator[Callable[..., RealGroup]]:
    """Make groups over one data folder and one pair of ports; all are ended with the test."""
    numbers = itertools.count()
    with prepared(tmp_path / "data", FAST) as first, ExitStack() as ended:

        def make(**settings: str) -> RealGroup:
            group = RealGroup(first.data)
            group.port, group.engine_port = first.port, first.engine_port
            group.env = first.env | settings
            group.log = tmp_path / f"group-{next(numbers)}.log"
            ended.callback(group.end)
            return group

        yield make
