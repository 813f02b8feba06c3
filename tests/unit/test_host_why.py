"""The troubleshooting catalogue: each of its rows is met by a situation, and says cause and cure."""

import pytest

from vmdqemu.host.queues import NoQueue
from vmdqemu.host.vf_steps import NO_VF_LEFT
from vmdqemu.host.vrss import NoVrss
from vmdqemu.host.why import QueueState, Situation, findings

WELL = Situation(
    mode="vmq",
    sorts=True,
    several=False,
    dynamic=False,
    forbidden=False,
    channels=1,
    filters=1,
    queues=(QueueState(3, processor=1, overflow=0),),
    refused=None,
    vrss=None,
    busy={0: 0.1, 1: 0.2},
    processors=4,
    home=0,
    wrong_vlan=0,
    discards=0,
)
BUSY = {1: 0.95}
SHARED = (QueueState(3, 1, 0, shared_with=("vm2", "vm4")),)


def test_where_all_is_well_nothing_is_found() -> None:
    assert findings(WELL) == []


@pytest.mark.parametrize(
    ("situation", "cause", "cure"),
    [
        (WELL._replace(mode="off", sorts=False, queues=()), "mode off sorts nothing", "mode set vmq"),
        (
            WELL._replace(mode="off", sorts=False, queues=(), forbidden=True),
            "link speed",
            "BelowTenGigVmqEnabled",
        ),
        (WELL._replace(queues=(), refused=NoQueue.WEIGHT), "VmqWeight is 0", "set it to 1 or more"),
        (WELL._replace(queues=(), refused=NoQueue.EXHAUSTED), "no free queue", "free one"),
        (WELL._replace(filters=0), "no filter", "vmdqemu filter add"),
        (WELL._replace(busy=BUSY), "its only queue, 3, fills processor 1", "vmmq"),
        (WELL._replace(busy=BUSY, queues=SHARED), "with vm2, vm4", "queue set 3 --processor"),
        (WELL._replace(busy=BUSY, queues=SHARED, dynamic=True), "with vm2, vm4", "wait for the balancer"),
        (WELL._replace(busy=BUSY, queues=SHARED, processors=1), "with vm2, vm4", "more processors"),
        (
            WELL._replace(busy={0: 1.0}, queues=(QueueState(3, 0, 0), QueueState(4, 0, 0))),
            "on processor 0",
            "host.processor_set.base",
        ),
        (
            WELL._replace(queues=(QueueState(3, 1, overflow=7000),)),
            "7,000 frames found its queue full",
            "adapter.ring",
        ),
        (WELL._replace(channels=4), "its 4 channels have one queue", "mode set vmmq"),
        (
            WELL._replace(no_vf=NO_VF_LEFT),
            "it is on the synthetic path: the NIC switch",
            "larger adapter.vfs",
        ),
        (WELL._replace(vrss=NoVrss.CHANNELS), "vRSS has no effect: it has one channel", "two or more"),
        (
            WELL._replace(wrong_vlan=12),
            "12 frames for VMs' addresses came in a VLAN",
            "compare the VM's vlan",
        ),
        (WELL._replace(discards=5), "5 frames that it sent found its ring full", "weight"),
    ],
)
def test_a_situation_has_one_finding_with_its_cause_and_its_cure(
    situation: Situation, cause: str, cure: str
) -> None:
    (found,) = findings(situation)
    before, _, after = found.partition("; ")
    assert cause in before
    assert cure in after
