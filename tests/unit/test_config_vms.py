"""Tables that are added to a running lab are checked as strictly as its file was."""

import json

import pytest

from vmdqemu.config import parse
from vmdqemu.config_values import derive_mac
from vmdqemu.config_vms import add_vms, as_table, join
from vmdqemu.errors import LabFileError

LAB = parse(
    """
    prefix = "p-"
    mtu = 1000
    vm = [{ name = "vm1", mac = "02:00:00:00:00:01", address = "10.0.0.1/24" }, { name = "vm2" }]
    wire = { mac = "02:00:00:00:00:aa", address = "10.0.0.9/24" }
    """,
    "lab",
)


def test_the_new_vms_stand_behind_the_old_ones() -> None:
    whole, added = add_vms(LAB, '[[vm]]\nname = "vm3"\nqueues = 2\n[[vm]]\nname = "vm4"\n')
    assert whole.vms == (*LAB.vms, *added)
    assert whole.model_copy(update={"vms": LAB.vms}) == LAB
    assert [(vm.name, vm.mac, vm.queues) for vm in added] == [
        ("vm3", derive_mac("lab", "vm3"), 2),
        ("vm4", derive_mac("lab", "vm4"), 1),
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "vm: missing; use 1 to 64 [[vm]] tables, one for each VM"),
        ("= 1", "not TOML"),
        ('vm = [{ name = "a" }]\nmtu = 9000', "mtu: unknown key; known keys: vm"),
        ('vm = [{ name = "a", queues = 65 }]', "vm[0].queues: 65 is too large"),
        ('vm = [{ name = "vm1" }]', 'vm[0].name: "vm1" is already vm1\'s; use another name'),
        ('vm = [{ name = "a" }, { name = "a" }]', 'vm[1].name: "a" is already vm[0]\'s'),
        ('vm = [{ name = "ext" }]', "vm[0].name"),
        ('vm = [{ name = "a", mac = "02:00:00:00:00:01" }]', "vm[0].mac: 02:00:00:00:00:01 is already vm1's"),
        (
            'vm = [{ name = "a", mac = "02:00:00:00:00:aa" }]',
            "vm[0].mac: 02:00:00:00:00:aa is already",
        ),
        ('vm = [{ name = "a", address = "10.0.0.1/8" }]', "vm[0].address: 10.0.0.1 is already vm1's"),
        ('vm = [{ name = "a", address = "10.0.0.9/8" }]', "vm[0].address: 10.0.0.9 is already wire's"),
        (
            'vm = [{ name = "a", address = "fd00::1/64" }]',
            "mtu: 1000 is too small for",
        ),
        (
            "vm = [" + ", ".join(f'{{ name = "v{number}" }}' for number in range(63)) + "]",
            "vm: a lab has at most 64 VMs; 2 run already",
        ),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(text: str, problem: str) -> None:
    with pytest.raises(LabFileError) as caught:
        add_vms(LAB, text)
    assert caught.value.problems[0].startswith(problem)


def test_every_conflict_is_named_at_once() -> None:
    with pytest.raises(LabFileError) as caught:
        add_vms(LAB, 'vm = [{ name = "vm1", address = "10.0.0.1/24" }, { name = "vm2" }]')
    assert len(caught.value.problems) == 3


@pytest.mark.parametrize(
    "keys",
    [
        "",
        f'mac = "02:00:00:00:00:07"\naddress = ["10.0.0.7/24", "10.0.1.7/24"]\nrss_key = "{"5a" * 40}"\n'
        'queues = 4\nrss_types = ["IPV4", "UDP_IPV6"]\nrss_table_size = 32\nweight = 9\nrate = 2.5\n'
        'vlans = [7, 9]\nextra_macs = "02:00:00:00:00:08"\ngroups = "01:00:5e:00:00:fb"\naccept = ["BAM"]\n',
    ],
)
def test_a_vm_is_asked_for_again_by_its_table(keys: str) -> None:
    (vm,) = add_vms(LAB, f'[[vm]]\nname = "vm3"\n{keys}')[1]
    table = json.loads(json.dumps(as_table(vm)))
    assert join(LAB, {"vm": [table]})[1] == (vm,)
