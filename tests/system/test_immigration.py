"""What a lab makes of a VM that comes: its own rules hold, and a VM that it cannot have stays where it is."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.harness import RunningLab, running
from tests.system.migrating import ADAPTER, OTHER, OTHER_VMS, OUT, VM, WIRE, bridge, migrate, ping, vms
from vmdqemu.errors import VmdqemuError

pytestmark = pytest.mark.system

TAKEN = "02:00:00:00:00:22"
VM2 = f'vm = [{{ name = "vm1" }}, {{ name = "vm2", address = "{VM}/24", mac = "{TAKEN}" }}]\n'


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    with bridge(), running(VM2 + ADAPTER + WIRE, tmp_path_factory.mktemp("one")) as one:
        yield one


def test_a_lab_with_few_queues_serves_a_vm_by_the_default_queue(one: RunningLab, tmp_path: Path) -> None:
    """NDIS: ndis-vmq-live-migration-support."""
    few = OTHER_VMS + ADAPTER.replace("[host]", "rx_queues = 2\n[host]") + WIRE
    with running(few, tmp_path) as other:
        migrate(one, other, "vm2")
        ping(OUT, VM, count=3)
        queues = other.call("queue.list")["queues"]
        assert [queue["VmFriendlyName"] for queue in queues] == ["", "vm3"]
        migrate(other, one, "vm2")
        ping(OUT, VM)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (OTHER.replace("}", f', mac = "{TAKEN}" }}'), f"admit: lab .*: {TAKEN} is already vm3's"),
        (OTHER.replace('"vm3"', '"vm2"'), 'admit: lab .*: "vm2" is already vm2\'s; use another name'),
        ("mtu = 1400\n" + OTHER, "mtu is 1500 in one lab and 1400 in the other; make them equal"),
        (OTHER_VMS + ADAPTER, r"has no wire; give both labs a \[wire\] with the same bridge"),
        (OTHER_VMS + ADAPTER + "[wire]\n", "relearn: what lab .* sends does not come in here; give both"),
    ],
    ids=["its MAC address", "its name", "the MTU", "no wire", "another wire"],
)
def test_a_vm_that_a_lab_cannot_have_stays_where_it_is(
    text: str, reason: str, one: RunningLab, tmp_path: Path
) -> None:
    with running(text, tmp_path) as other:
        ping(OUT, VM)
        before = state(other)
        with pytest.raises(VmdqemuError, match=reason):
            migrate(one, other, "vm2")
        assert vms(one) == ["vm1", "vm2"]
        assert state(other) == before
        ping(OUT, VM)


def state(lab: RunningLab) -> tuple[object, ...]:
    return lab.call("vm.list"), lab.call("vport.list"), lab.call("filter.list")
