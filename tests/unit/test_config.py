"""The lab file as a whole: its values, the conflicts between its tables, and files that cannot be read."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmdqemu import config
from vmdqemu.errors import LabFileError


def problems(text: str, name: str = "lab") -> list[str]:
    with pytest.raises(LabFileError) as raised:
        config.parse(text, name)
    return list(raised.value.problems)


def vms(*tables: str) -> str:
    return "\n".join(f'[[vm]]\nname = "vm{number}"\n{table}' for number, table in enumerate(tables, 1))


def with_wire(text: str, wire: str = "") -> str:
    return f"{text}\n[wire]\n{wire}"


# --- values


def test_a_vm_with_a_name_is_enough_and_the_rest_has_defaults() -> None:
    lab = config.parse('[[vm]]\nname = "vm1"', "tiny")
    assert (lab.name, lab.prefix, lab.mtu, lab.wire) == ("tiny", "", 1500, None)
    assert lab.adapter == config.AdapterConfig(
        model="ideal", mode="off", offloads=True, ring=4096, arbiter="deficit", local_switch=False
    )
    (vm,) = lab.vms
    assert (vm.name, vm.addresses, vm.vlan) == ("vm1", (), None)
    assert (vm.queues, vm.weight, vm.rate, vm.spoof_check) == (1, 1, None, True)


def test_every_key_of_the_file_reaches_its_value() -> None:
    lab = config.parse(
        """
        name = "full"
        prefix = "x-"
        mtu = 9000
        [adapter]
        model = "ideal"
        mode = "vmmq"
        offloads = false
        ring = 512
        arbiter = "round-robin"
        local_switch = true
        sorter = "software"
        vxlan_port = 8472
        shared_memory = false
        lookahead = 128
        [host]
        processors = 8
        speed = 0.2
        [wire]
        address = "10.0.0.254/24"
        vlan = 10
        mac = "02-00-00-00-00-FE"
        rate = 10000
        [[vm]]
        name = "vm1"
        mac = "02:00:00:00:00:01"
        address = ["10.0.0.1/255.255.255.0", "FD00:0::1/64"]
        vlan = 10
        queues = 4
        weight = 100
        rate = 0.5
        spoof_check = false
        """,
        "file",
    )
    assert (lab.name, lab.prefix, lab.mtu) == ("full", "x-", 9000)
    assert lab.adapter.model_dump() == {
        "model": "ideal",
        "mode": "vmmq",
        "offloads": False,
        "ring": 512,
        "arbiter": "round-robin",
        "local_switch": True,
        "sorter": "software",
        "vxlan_port": 8472,
        "shared_memory": False,
        "lookahead": 128,
    }
    assert lab.host.model_dump() == {"processors": 8, "speed": 0.2}
    assert lab.wire == config.WireConfig.model_construct(
        mac=b"\x02\0\0\0\0\xfe", addresses=("10.0.0.254/24",), vlan=10, rate=10000.0
    )
    (vm,) = lab.vms
    assert vm.mac == b"\x02\0\0\0\0\x01"
    assert vm.addresses == ("10.0.0.1/24", "fd00::1/64")
    assert (vm.vlan, vm.queues, vm.weight, vm.rate, vm.spoof_check) == (10, 4, 100, 0.5, False)


def test_names_of_namespaces_carry_the_prefix_or_the_lab() -> None:
    lab = config.parse('prefix = "x-"\n' + vms(""), "lab")
    assert lab.namespace(lab.vms[0]) == "x-vm1"
    assert lab.ext_namespace == "x-ext"
    assert lab.nic_namespace == "lab-nic"


@pytest.mark.parametrize(
    ("address", "ipv6"),
    [
        ("[]", False),
        ('"10.0.0.1/24"', False),
        ('"fd00::1/64"', True),
        ('["10.0.0.1/24", "fd00::1/64"]', True),
    ],
)
def test_a_port_says_whether_it_has_an_ipv6_address(address: str, ipv6: bool) -> None:
    lab = config.parse(with_wire(vms(f"address = {address}")), "lab")
    assert lab.wire is not None
    assert lab.vms[0].ipv6 is ipv6
    assert lab.wire.ipv6 is False


def test_a_lab_cannot_be_changed() -> None:
    lab = config.parse(vms(""), "lab")
    with pytest.raises(ValueError, match="frozen"):
        lab.mtu = 9000


# --- derived MAC addresses


def test_a_port_without_a_mac_gets_the_one_of_its_names() -> None:
    lab = config.parse(with_wire(vms("")), "lab")
    assert lab.wire is not None
    assert lab.vms[0].mac == config.derive_mac("lab", "vm1")
    assert lab.wire.mac == config.derive_mac("lab", "ext")


def test_a_derived_mac_is_the_same_in_every_run_and_release() -> None:
    assert config.derive_mac("four-vms", "vm1").hex(":") == "02:e1:73:4f:20:47"


@given(st.text(), st.text())
def test_a_derived_mac_is_unicast_and_locally_administered(lab: str, name: str) -> None:
    mac = config.derive_mac(lab, name)
    assert len(mac) == 6
    assert mac[0] & 0b11 == 0b10


def test_derived_macs_differ_between_vms_and_between_labs() -> None:
    names = [(f"lab{lab}", f"vm{vm}") for lab in range(20) for vm in range(64)]
    assert len({config.derive_mac(*pair) for pair in names}) == len(names)


# --- conflicts: each table is right, together they are not


CONFLICTS = {
    "two VMs of one name, whose derived MAC addresses are no second mistake": (
        '[[vm]]\nname = "a"\n[[vm]]\nname = "b"\n[[vm]]\nname = "a"',
        ['vm[2].name: "a" is already vm[0]\'s; use another name'],
    ),
    "a VM copied with all its keys": (
        '[[vm]]\nname = "a"\nmac = "02:00:00:00:00:01"\naddress = "10.0.0.1/24"\n' * 2,
        [
            'vm[1].name: "a" is already vm[0]\'s; use another name',
            "vm[1].mac: 02:00:00:00:00:01 is already vm[0]'s; use another address",
            "vm[1].address: 10.0.0.1 is already vm[0]'s; use another address",
        ],
    ),
    "a VM in the adapter's namespace": (
        '[[vm]]\nname = "lab-nic"',
        ['vm[0].name: "lab-nic" is the namespace of the adapter; use another name'],
    ),
    "a VM that its prefix puts into the adapter's namespace": (
        'prefix = "lab-"\n[[vm]]\nname = "nic"',
        ['vm[0].name: "lab-nic" is the namespace of the adapter; use another name'],
    ),
    "a VM in the outside host's namespace": (
        with_wire('prefix = "x-"\n[[vm]]\nname = "ext"'),
        ['vm[0].name: "x-ext" is the namespace of the outside host; use another name'],
    ),
    "one MAC address twice in a VLAN, written in two ways": (
        vms('vlan = 10\nmac = "02:00:00:00:00:0a"', 'vlan = 10\nmac = "02-00-00-00-00-0A"'),
        ["vm[1].mac: 02:00:00:00:00:0a is already vm[0]'s in VLAN 10; use another address"],
    ),
    "a VM that writes out another's derived MAC address": (
        vms("", f'mac = "{config.derive_mac("lab", "vm1").hex(":")}"'),
        [f"vm[1].mac: {config.derive_mac('lab', 'vm1').hex(':')} is already vm[0]'s; use another address"],
    ),
    "the outside host with a VM's MAC address, in whatever VLAN": (
        with_wire(vms('vlan = 10\nmac = "02:00:00:00:00:01"'), 'mac = "02:00:00:00:00:01"'),
        ["wire.mac: 02:00:00:00:00:01 is already vm[0]'s; use another address"],
    ),
    "one IP address twice, with two prefix lengths and in two spellings": (
        vms('address = "fd00::1/64"', 'address = ["10.0.0.2/24", "fd00:0:0::1/48"]'),
        ["vm[1].address[1]: fd00::1 is already vm[0]'s; use another address"],
    ),
    "one IP address twice in one VM": (
        vms('address = ["10.0.0.1/24", "10.0.0.1/24"]'),
        ["vm[0].address[1]: 10.0.0.1 is already vm[0]'s; use another address"],
    ),
    "the outside host with the IP address of a VM in its VLAN": (
        with_wire(vms('vlan = 10\naddress = "10.0.0.1/24"'), 'vlan = 10\naddress = "10.0.0.1/24"'),
        ["wire.address: 10.0.0.1 is already vm[0]'s in VLAN 10; use another address"],
    ),
    "IPv6 over an MTU that Linux refuses for it": (
        "mtu = 1279\n" + vms("", 'address = "fd00::1/64"'),
        ["mtu: 1279 is too small for the IPv6 address of vm[1]; use at least 1280"],
    ),
}


@pytest.mark.parametrize(("text", "expected"), CONFLICTS.values(), ids=CONFLICTS)
def test_what_cannot_stand_together_is_named_once(text: str, expected: list[str]) -> None:
    assert problems(text) == expected


AGREEMENTS = {
    "one MAC address in two VLANs": vms(
        'mac = "02:00:00:00:00:01"\nvlan = 10', 'mac = "02:00:00:00:00:01"\nvlan = 20'
    ),
    "one MAC address inside and outside a VLAN": vms(
        'mac = "02:00:00:00:00:01"\nvlan = 10', 'mac = "02:00:00:00:00:01"'
    ),
    "one IP address in two VLANs": vms(
        'address = "10.0.0.1/24"\nvlan = 10', 'address = "10.0.0.1/24"\nvlan = 20'
    ),
    "a VM called ext in a lab without a wire": '[[vm]]\nname = "ext"',
    "IPv6 over its smallest MTU": "mtu = 1280\n" + vms('address = "fd00::1/64"'),
    "IPv4 over the smallest MTU": "mtu = 576\n" + vms('address = "10.0.0.1/24"'),
    "64 VMs": vms(*[""] * 64),
}


@pytest.mark.parametrize("text", AGREEMENTS.values(), ids=AGREEMENTS)
def test_what_can_stand_together_is_accepted(text: str) -> None:
    config.parse(text, "lab")


def test_a_broken_vm_does_not_hide_what_the_others_say_against_each_other() -> None:
    text = with_wire(vms("vlan = 0", 'mac = "02:00:00:00:00:01"', 'mac = "02:00:00:00:00:01"'), "colour = 1")
    assert problems("mtu = 5\n" + text, "Not A Name") == [
        "mtu: 5 is too small; use 576 to 9216 octets",
        "vm[0].vlan: 0 is too small; use 1 to 4094 (IEEE 802.1Q reserves 0 and 4095)",
        "vm[2].mac: 02:00:00:00:00:01 is already vm[1]'s; use another address",
        "wire.colour: unknown key; known keys: mac, address, vlan, rate",
        'name: "Not A Name" is not a name; use at most 11 of a-z, 0-9 and "-", the first not "-" '
        "(unless given, the name of the file)",
    ]


# --- text and files


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("mtu = 1500\nname = lab", "not TOML: Invalid value (at line 2, column 8)"),
        ("mtu = 1\nmtu = 2\n", "not TOML: Cannot overwrite a value (at line 2, column 8)"),
        ("mtu = " + "1" * 5000, "not TOML: a number is too long or a list too deep; shorten it"),
        ("mtu = " + "[" * 5000, "not TOML: a number is too long or a list too deep; shorten it"),
    ],
    ids=["syntax", "key twice", "number", "depth"],
)
def test_text_that_is_not_toml_is_one_problem_with_its_place(text: str, problem: str) -> None:
    assert problems(text) == [problem]


def test_a_file_gives_the_lab_its_name(tmp_path: Path) -> None:
    file = tmp_path / "my-lab.toml"
    file.write_text(vms(""))
    assert config.load(file).name == "my-lab"


def test_every_problem_of_a_file_names_the_file(tmp_path: Path) -> None:
    file = tmp_path / "lab.toml"
    file.write_text("mtu = 1\ncolour = 2\n")
    with pytest.raises(LabFileError) as raised:
        config.load(file)
    assert len(raised.value.problems) == 3  # no [[vm]], too
    assert all(problem.startswith(f"{file}: ") for problem in raised.value.problems)


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (Path.exists, "{file}: No such file or directory; give the path of a readable lab file"),
        (Path.mkdir, "{file}: Is a directory; give the path of a readable lab file"),
        (lambda file: file.write_bytes(b"# k\xfchl"), "{file}: octet 3 is not UTF-8; save the file as UTF-8"),
    ],
    ids=["missing", "directory", "Latin-1"],
)
def test_a_file_that_cannot_be_read_is_named(
    tmp_path: Path, make: Callable[[Path], object], problem: str
) -> None:
    file = tmp_path / "lab.toml"
    make(file)
    with pytest.raises(LabFileError) as raised:
        config.load(file)
    assert raised.value.problems == (problem.format(file=file),)
