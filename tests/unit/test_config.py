"""The lab file as a whole: its values, the conflicts between its tables, and files that cannot be read."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.lab_texts import problems, vms, with_wire
from vmdqemu import config
from vmdqemu.config_values import derive_mac
from vmdqemu.config_wire import WireConfig
from vmdqemu.errors import LabFileError
from vmdqemu.nic.rss import DEFAULT_KEY, HashType

# --- values


def test_a_vm_with_a_name_is_enough_and_the_rest_has_defaults() -> None:
    lab = config.parse('[[vm]]\nname = "vm1"', "tiny")
    assert (lab.name, lab.prefix, lab.mtu, lab.wire) == ("tiny", "", 1500, None)
    assert lab.adapter == config.AdapterConfig(
        model="ideal", mode="off", offloads=True, ring=4096, arbiter=None, local_switch=None
    )
    (vm,) = lab.vms
    assert (vm.name, vm.addresses, vm.vlan) == ("vm1", (), None)
    assert (vm.queues, vm.weight, vm.rate, vm.strict, vm.spoof_check) == (1, 1, None, False, True)


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
        rx_queues = 32
        arbiter = "round-robin"
        vmdq_by = "mac"
        bridge = "veb"
        local_switch = true
        replication = false
        default_pool = "vm1"
        default_pool_disabled = true
        port_upe = false
        port_mpe = false
        port_bam = false
        vlan_filtering = false
        vfta = [0, 10]
        uta = "02:00:00:00:00:55"
        mta = ["01:00:5e:00:00:fb"]
        hash_form = 3
        sorter = "software"
        vxlan_port = 8472
        shared_memory = false
        lookahead = 128
        moderation = "low"
        nic_switch = false
        any_vlan = true
        vfs = 0
        [keywords]
        "*VMQ" = 1
        [host]
        processors = 8
        speed = 0.2
        release = "2019"
        ten_gig_vmq = 1
        below_ten_gig_vmq = 1
        threads = 2
        nodes = 2
        placement = "static"
        processor_set = { base = 2, last = 6, max_processors = 4, node = 1, profile = "NUMA" }
        balancer.upper = 0.7
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
        rss_key = "6d5a56da255b0ec24167253d43a38fb0d0ca2bcbae7b30b477cb2da38030f20c6a42b73bbeac01fa"
        rss_types = ["IPV4", "TCP_IPV4"]
        rss_table_size = 64
        """,
        "file",
    )
    assert (lab.name, lab.prefix, lab.mtu) == ("full", "x-", 9000)
    assert lab.adapter.model_dump() == {
        "model": "ideal",
        "mode": "vmmq",
        "offloads": False,
        "ring": 512,
        "rx_queues": 32,
        "arbiter": "round-robin",
        "vmdq_by": "mac",
        "bridge": "veb",
        "local_switch": True,
        "replication": False,
        "default_pool": "vm1",
        "default_pool_disabled": True,
        "port_upe": False,
        "port_mpe": False,
        "port_bam": False,
        "vlan_filtering": False,
        "vfta": (0, 10),
        "uta": (b"\x02\0\0\0\0\x55",),
        "mta": (b"\x01\0\x5e\0\0\xfb",),
        "hash_form": 3,
        "sorter": "software",
        "vxlan_port": 8472,
        "shared_memory": False,
        "lookahead": 128,
        "moderation": "low",
        "nic_switch": False,
        "any_vlan": True,
        "vfs": 0,
    }
    assert lab.keywords == {"*VMQ": 1}
    assert lab.host.model_dump(exclude={"processor_set", "balancer"}) == {
        "processors": 8,
        "speed": 0.2,
        "release": "2019",
        "ten_gig_vmq": 1,
        "below_ten_gig_vmq": 1,
        "threads": 2,
        "nodes": 2,
        "placement": "static",
    }
    assert lab.host.processor_set.model_dump() == {
        "base": 2,
        "last": 6,
        "max_processors": 4,
        "node": 1,
        "profile": "NUMA",
    }
    assert lab.host.balancer.upper == 0.7
    assert lab.wire == WireConfig.model_construct(
        mac=b"\x02\0\0\0\0\xfe", addresses=("10.0.0.254/24",), vlan=10, rate=10000.0
    )
    (vm,) = lab.vms
    assert vm.mac == b"\x02\0\0\0\0\x01"
    assert vm.addresses == ("10.0.0.1/24", "fd00::1/64")
    assert (vm.vlan, vm.queues, vm.weight, vm.rate, vm.spoof_check) == (10, 4, 100, 0.5, False)
    assert vm.rss_types == HashType.IPV4 | HashType.TCP_IPV4
    assert (vm.rss_key, vm.rss_table_size) == (DEFAULT_KEY, 64)


def test_names_of_namespaces_carry_the_prefix_or_the_lab() -> None:
    lab = config.parse('prefix = "x-"\n' + vms(""), "lab")
    assert lab.namespace(lab.vms[0]) == "x-vm1"
    assert lab.ext_namespace == "x-ext"
    assert lab.nic_namespace == "lab-nic"


def test_a_lab_without_a_wire_has_nobody_outside() -> None:
    assert config.parse(vms(""), "lab").outside == ()


def test_a_lab_cannot_be_changed() -> None:
    lab = config.parse(vms(""), "lab")
    with pytest.raises(ValueError, match="frozen"):
        lab.mtu = 9000


# --- derived MAC addresses


def test_a_port_without_a_mac_gets_the_one_of_its_names() -> None:
    lab = config.parse(with_wire(vms("")), "lab")
    assert lab.wire is not None
    assert lab.vms[0].mac == derive_mac("lab", "vm1")
    assert lab.wire.mac == derive_mac("lab", "ext")


def test_a_derived_mac_is_the_same_in_every_run_and_release() -> None:
    assert derive_mac("four-vms", "vm1").hex(":") == "02:e1:73:4f:20:47"


@given(st.text(), st.text())
def test_a_derived_mac_is_unicast_and_locally_administered(lab: str, name: str) -> None:
    mac = derive_mac(lab, name)
    assert len(mac) == 6
    assert mac[0] & 0b11 == 0b10


def test_derived_macs_differ_between_vms_and_between_labs() -> None:
    names = [(f"lab{lab}", f"vm{vm}") for lab in range(20) for vm in range(64)]
    assert len({derive_mac(*pair) for pair in names}) == len(names)


# --- what is wrong at once


def test_a_broken_vm_does_not_hide_what_the_others_say_against_each_other() -> None:
    text = with_wire(vms("vlan = 0", 'mac = "02:00:00:00:00:01"', 'mac = "02:00:00:00:00:01"'), "colour = 1")
    assert problems("mtu = 5\n" + text, "Not A Name") == [
        "mtu: 5 is too small; use 576 to 9216 octets",
        "vm[0].vlan: 0 is too small; use 1 to 4094 (IEEE 802.1Q reserves 0 and 4095)",
        "vm[2].mac: 02:00:00:00:00:01 is already vm[1]'s; use another address",
        "wire.colour: unknown key; known keys: mac, address, vlan, rate, interface, bridge, namespace, host",
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
