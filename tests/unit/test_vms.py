"""A VM that cannot come changes nothing; one that goes takes its filters along."""

import asyncio
from collections.abc import Coroutine
from types import SimpleNamespace
from typing import Any, cast

import pytest

from netns import namespace
from netns.errors import NetnsError
from netns.lab import Lab
from tests.unit.builders import accept, mac
from tests.unit.plants import plant
from vmdqemu.daemon import plant as plants
from vmdqemu.daemon import runtime
from vmdqemu.daemon.change import Changer
from vmdqemu.daemon.supervisor import Supervisor
from vmdqemu.daemon.vms import Vms, _without
from vmdqemu.errors import LabFileError, UsageError, VmdqemuError
from vmdqemu.nic.adapter import SetFilter
from vmdqemu.nic.models import IDEAL

LAB = 'vm = [{ name = "vm1" }, { name = "vm2" }]'
TWO_MORE = '[[vm]]\nname = "vm3"\n[[vm]]\nname = "vm4"\n'


class Rig:
    """A lab that nobody built, and what its record said."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, text: str = LAB) -> None:
        self.plant = plant(text)
        self.records: list[tuple[str, ...]] = []
        supervisor = cast(Supervisor, SimpleNamespace(plant=self.plant))
        self.vms = Vms(supervisor, Changer(supervisor))
        monkeypatch.setattr(runtime, "rewrite", lambda _, namespaces: self.records.append(namespaces))
        monkeypatch.setattr(namespace, "exists", lambda _: False)

    def refused(self, request: Coroutine[Any, Any, None], kind: type[Exception], reason: str) -> None:
        """The request fails, and the lab is as it was."""
        before = self.plant.config, self.plant.ports, self.plant.adapter
        with pytest.raises(kind, match=reason):
            asyncio.run(request)
        assert before == (self.plant.config, self.plant.ports, self.plant.adapter)


def test_the_second_machine_fails_and_the_first_is_unmade(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(monkeypatch)
    made: list[str] = []

    def build(_: int, vm: Any, __: object, lab: Lab) -> None:
        if vm.name == "vm4":
            raise NetnsError("the kernel refuses")
        made.append(vm.name)
        lab.push(made.remove, vm.name)

    monkeypatch.setattr(plants, "build_vm", build)
    rig.refused(rig.vms.add(TWO_MORE), NetnsError, "the kernel refuses")
    assert made == []
    assert rig.records == [("vm1", "vm2", "vm3", "vm4"), ("vm1", "vm2")]


def test_a_namespace_of_somebody_else_is_not_even_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(monkeypatch)
    monkeypatch.setattr(namespace, "exists", lambda name: name == "vm4")
    rig.refused(rig.vms.add(TWO_MORE), VmdqemuError, "namespace vm4 exists and is not ours")
    assert rig.records == []


def test_more_than_the_adapter_holds_is_refused_vm_by_vm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three VPorts besides the default one."""
    rig = Rig(monkeypatch, 'vm = [{ name = "vm1" }]')
    rig.plant.adapter = rig.plant.adapter._replace(model=IDEAL._replace(vports=4))
    tables = "".join(f'[[vm]]\nname = "v{number}"\n' for number in range(4))
    rig.refused(
        rig.vms.add(tables),
        LabFileError,
        r"^vm\[2\]: NDIS_STATUS_RESOURCES: .* 4 VPorts.*\nvm\[3\]",
    )


@pytest.mark.parametrize(
    ("text", "name", "reason"),
    [
        (LAB, "vm9", "no VM 'vm9'; choose one of: vm1, vm2"),
        ('vm = [{ name = "vm1" }]', "vm1", "vm1 is the last VM; stop the lab: vmdqemu down lab"),
    ],
)
def test_a_vm_that_cannot_go_stays(
    text: str, name: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = Rig(monkeypatch, text)
    rig.refused(rig.vms.remove(name), UsageError, reason)


def test_a_vport_goes_with_all_its_filters_and_no_other() -> None:
    lab = plant(f"{LAB[:-1]}, {{ name = 'vm3' }}]")
    before = accept(lab.adapter, SetFilter(2, mac(9)), SetFilter(2, lab.config.vms[1].mac, 7))
    after = _without(before, 2)
    assert set(after.vports) == {1, 3}
    assert {held.mac for held in after.filters.values()} == {lab.config.vms[place].mac for place in (0, 2)}
