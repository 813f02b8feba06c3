"""IPv6 in a namespace: off, or on and silent."""

import os
from collections.abc import Iterator

import pytest

from netns import ipv6, namespace
from netns.lab import Lab

pytestmark = pytest.mark.system

NS = f"ipv6-{os.getpid()}"


@pytest.fixture
def lab() -> Iterator[Lab]:
    with Lab() as lab:
        yield lab


def _settings(*names: str) -> dict[str, set[str]]:
    """What the namespace says, of all links and of those to come."""
    with namespace.entered(NS):
        return {
            name: {(ipv6.CONF / scope / name).read_text().strip() for scope in ("all", "default")}
            for name in names
        }


def test_it_is_off_unless_asked_for(lab: Lab) -> None:
    lab.namespace(NS)
    assert _settings("disable_ipv6") == {"disable_ipv6": {"1"}}


def test_it_is_on_and_asks_nobody_for_anything(lab: Lab) -> None:
    lab.namespace(NS, ipv6=True)
    assert _settings("disable_ipv6") == {"disable_ipv6": {"0"}}
    assert _settings(*ipv6.QUIET) == {name: {value} for name, value in ipv6.QUIET.items()}
