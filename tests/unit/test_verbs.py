"""The verbs of the control socket: whatever a request says that cannot be read is refused with its name."""

import asyncio
import inspect
from typing import Any
from unittest.mock import Mock

import pytest

from vmdqemu.daemon.control import Document
from vmdqemu.daemon.verbs import verbs
from vmdqemu.errors import UsageError

VERBS = verbs(Mock(), Mock())  # a supervisor and a changer that would let anything happen


@pytest.mark.parametrize(
    ("verb", "said", "refusal"),
    [
        ("events", {"after": "x"}, "after: 'x' is not a whole number"),
        ("observe", {}, "snaplen: None is not a whole number"),
        ("queue.set", {"queue": 1}, "nothing to set; give a processor or a moderation"),
        ("queue.set", {"processor": 1}, "queue: None is not a whole number"),
        ("queue.set", {"queue": 1, "moderation": "fast"}, "moderation: 'fast' is "),
        ("mode.set", {}, "mode: None is not text"),
        ("mode.set", {"mode": "vmq", "placement": "best"}, "placement: 'best' is not known; use one of "),
        ("filter.set", {"vm": "vm1", "mac": 1}, "mac: 1 is not text"),
        ("filter.set", {"vm": "vm1", "mac": "", "vlan": "5"}, "vlan: '5' is not a whole number"),
        ("filter.clear", {}, "filter: None is not a whole number"),
        ("filter.move", {"filter": 1}, "vm: None is not text"),
        ("rss.set", {}, "vport: None is not text"),
        ("rss.move", {"vport": "vm1", "entries": "all"}, "processor: None is not a whole number"),
        ("coalescing.set", {"delay": 1}, "tests: None is not a list of tests"),
        ("coalescing.set", {"tests": [], "delay": 1.5}, "delay: 1.5 is not a whole number"),
        ("coalescing.set", {"tests": ["colour=blue"], "delay": 1}, "colour"),
        ("coalescing.clear", {"filter": True}, "filter: True is not a whole number"),
        ("vm.add", {}, "tables: None is not text"),
        ("vm.remove", {}, "vm: None is not text"),
        ("vm.set", {"vm": "vm1", "vmq_weight": 101}, "vmq_weight: 101 cannot be; use 0 to 100"),
        ("why", {}, "vm: None is not text"),
        ("share.set", {"vm": "vm1"}, "nothing to set; give a weight, a rate or strict"),
        ("share.set", {"vm": "vm1", "weight": 0}, "weight: 0 does not fit; use 1 to 100"),
        ("share.set", {"vm": "vm1", "weight": 101}, "weight: 101 does not fit; use 1 to 100"),
        ("share.set", {"vm": "vm1", "rate": -1}, "rate: -1 is not a number of Mbit/s"),
        ("share.set", {"vm": "vm1", "rate": True}, "rate: True is not a number of Mbit/s"),
        ("share.set", {"vm": "vm1", "strict": 1}, "strict: 1 is not true or false"),
        ("switch.set", {}, "nothing to set; give keys of the lab file"),
        ("switch.set", {"keys": ["x"]}, "nothing to set; give keys of the lab file"),
        ("switch.set", {"keys": {"hash_form": 1}, "pool": 1}, "pool: 1 is not text"),
        ("processor.set", {}, "speed: None is not a share of a CPU; use 0.01 to 1"),
        ("processor.set", {"speed": 2}, "speed: 2 is not a share of a CPU; use 0.01 to 1"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_name(verb: str, said: Document, refusal: str) -> None:
    with pytest.raises(UsageError) as raised:
        asked(verb, said)
    assert refusal in str(raised.value)


def asked(verb: str, said: Document) -> Any:
    """What a verb answers."""
    answer = VERBS[verb](said)
    return asyncio.run(answer) if inspect.iscoroutine(answer) else answer


def test_a_lab_stops_when_it_is_told_to() -> None:
    supervisor = Mock()
    assert verbs(supervisor, Mock())["stop"]({}) == {"stopping": True}
    supervisor.stopped.set.assert_called_once_with()
