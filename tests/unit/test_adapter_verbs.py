"""Verbs about the adapter: what cannot be read is refused with its name."""

from unittest.mock import Mock

import pytest

from tests.unit.asking import answer
from vmdqemu.daemon.adapter_verbs import verbs
from vmdqemu.daemon.control import Document
from vmdqemu.errors import UsageError

VERBS = verbs(Mock(), Mock(), Mock())  # a supervisor, a changer and VFs that would let anything happen


@pytest.mark.parametrize(
    ("verb", "said", "refusal"),
    [
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
        ("switch.set", {}, "nothing to set; give keys of the lab file"),
        ("switch.set", {"keys": ["x"]}, "nothing to set; give keys of the lab file"),
        ("switch.set", {"keys": {"hash_form": 1}, "pool": 1}, "pool: 1 is not text"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_name(verb: str, said: Document, refusal: str) -> None:
    with pytest.raises(UsageError) as raised:
        answer(VERBS[verb](said))
    assert refusal in str(raised.value)
