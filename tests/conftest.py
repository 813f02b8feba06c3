"""What every test shares."""

import os
import time
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.system import harness

# A busy machine makes examples slow, which says nothing about what they show.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--all`: the full counts. Same tests, more of each."""
    parser.addoption("--all", action="store_true", dest="full", help="full counts")


@pytest.fixture(scope="session")
def full(request: pytest.FixtureRequest) -> bool:
    """Whether the full counts were asked for."""
    return bool(request.config.getoption("full"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without root there are no namespaces: say so, and run the rest."""
    if os.geteuid() == 0:
        return
    for item in items:
        if item.get_closest_marker("system"):
            item.add_marker(pytest.mark.skip(reason="needs root"))


@pytest.fixture(scope="session", autouse=True)
def _nothing_left_behind() -> Iterator[None]:
    """Whatever a test made is gone when the session ends."""
    before = harness.residue()
    yield
    until = time.monotonic() + harness.DEADLINE  # the kernel frees a dead process's programs in its own time
    while (left := harness.left_since(before)) and time.monotonic() < until:
        time.sleep(0.05)
    assert not left
