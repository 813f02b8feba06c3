"""Verbs about the host: what cannot be read is refused with its name."""

from unittest.mock import Mock

import pytest

from tests.unit.asking import answer
from vmdqemu.daemon.control import Document
from vmdqemu.daemon.host_verbs import verbs
from vmdqemu.errors import UsageError

VERBS = verbs(Mock(), Mock(), Mock())  # a supervisor, a changer and VFs that would let anything happen


@pytest.mark.parametrize(
    ("verb", "said", "refusal"),
    [
        ("vm.add", {}, "tables: None is not text"),
        ("vm.remove", {}, "vm: None is not text"),
        ("vm.set", {"vm": "vm1", "vmq_weight": 101}, "vmq_weight: 101 cannot be; use 0 to 100"),
        ("migrate", {"vm": "vm1"}, "to: None is not text"),
        ("migrate", {"vm": "vm1", "to": "b", "dry_run": 1}, "dry_run: 1 is not true or false"),
        ("why", {}, "vm: None is not text"),
        ("share.set", {"vm": "vm1"}, "nothing to set; give a weight, a rate or strict"),
        ("share.set", {"vm": "vm1", "weight": 0}, "weight: 0 does not fit; use 1 to 100"),
        ("share.set", {"vm": "vm1", "weight": 101}, "weight: 101 does not fit; use 1 to 100"),
        ("share.set", {"vm": "vm1", "rate": -1}, "rate: -1 is not a number of Mbit/s"),
        ("share.set", {"vm": "vm1", "rate": True}, "rate: True is not a number of Mbit/s"),
        ("share.set", {"vm": "vm1", "strict": 1}, "strict: 1 is not true or false"),
        ("host.set", {}, "nothing to set; give ten_gig_vmq or below_ten_gig_vmq"),
        ("host.set", {"ten_gig_vmq": 3}, "ten_gig_vmq: 3 cannot be; use 0 (default), 1 (on) or 2 (off)"),
        ("processor.set", {}, "speed: None is not a share of a CPU; use 0.01 to 1"),
        ("processor.set", {"speed": 2}, "speed: 2 is not a share of a CPU; use 0.01 to 1"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_name(verb: str, said: Document, refusal: str) -> None:
    with pytest.raises(UsageError) as raised:
        answer(VERBS[verb](said))
    assert refusal in str(raised.value)
