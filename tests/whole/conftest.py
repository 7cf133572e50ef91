"""The running group, with limits out of the way."""

from collections.abc import Callable, Iterator

import pytest

from tests.running import RealGroup, prepare

FAST = {
    "CALLCOV_API_SUBMISSIONS_PER_MINUTE": "1000",
    "CALLCOV_API_REQUESTS_PER_MINUTE": "10000",
    "CALLCOV_ENGINE_SUBMISSIONS_PER_MINUTE": "1000",
    "CALLCOV_ENGINE_REQUESTS_PER_MINUTE": "10000",
}


@pytest.fixture
def new_group(tmp_path) -> Iterator[Callable[..., RealGroup]]:
    """Make groups over one data folder and one pair of ports; all are ended with the test."""
    first = RealGroup(tmp_path / "data")
    prepare(first)
    made: list[RealGroup] = []

    def make(**settings: str) -> RealGroup:
        group = RealGroup(tmp_path / "data")
        group.port, group.engine_port = first.port, first.engine_port
        group.env = first.env | FAST | settings
        group.log = tmp_path / f"group-{len(made)}.log"
        made.append(group)
        return group

    yield make
    for group in made:
        group.end()
