"""Every message that a lab file can meet, its path and its order; and nothing but LabFileError comes out."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from vmdqemu import config
from vmdqemu.config_problems import FAULTS, LONGEST_SHOWN, shown, spelled
from vmdqemu.errors import LabFileError
from vmdqemu.nic.rss_reading import TYPES_CURE

NAME = 'use at most 15 letters, digits, "_" and "-", the first not "-"'
LAB_NAME = 'use at most 11 of a-z, 0-9 and "-", the first not "-" (unless given, the name of the file)'
PREFIX = 'use at most 16 letters, digits, "_" and "-", the first not "-"'
VLAN = "use 1 to 4094 (IEEE 802.1Q reserves 0 and 4095)"
PORT = "use 1 to 65535, a UDP port"
RING = "use 64 to 8192 descriptors, a multiple of 8"
MODES = '"off", "rss", "vmdq", "vmq" or "vmmq" (or one of "off-nocopy" and "off-nolookup")'
RATE = "use a number of Mbit/s above 0"
TABLES = "use 1 to 64 [[vm]] tables, one for each VM"
MAC = 'use one such as "02:00:00:00:00:01"'
UNICAST = "a port needs a unicast one (the first octet even)"
ADDRESS = 'use one such as "10.0.0.1/24" or "fd00::1/64"'
ADDRESSES = 'use "10.0.0.1/24" or a list, ["10.0.0.1/24", "fd00::1/64"]'


def problems(text: str) -> list[str]:
    with pytest.raises(LabFileError) as raised:
        config.parse(text, "lab")
    return list(raised.value.problems)


TOP_KEYS = "known keys: name, prefix, mtu, adapter, host, wire, keywords, pf, mirror, vm"
POOL = "use a VM's name, the [pf]'s, or its number"
VIDS = "use a list of VLANs, 0 to 4094 (unless given, all of them)"
KINDS = 'use "pool", "vlan", "uplink" or "downlink"'
GROUP = 'use one such as "01:00:5e:00:00:fb"'
FLAGS = 'use a list of "AUPE", "BAM", "ROMPE", "ROPE", "MPE", "UPE" and "VPE"'
TOP = [
    ("name = 5", f"name: 5 is not text; {LAB_NAME}"),
    ('name = "twelve-chars"', f'name: "twelve-chars" has 12 characters; {LAB_NAME}'),
    ('name = "../etc"', f'name: "../etc" is not a name; {LAB_NAME}'),
    ('name = "Lab"', f'name: "Lab" is not a name; {LAB_NAME}'),
    ('name = ""', f'name: "" is not a name; {LAB_NAME}'),
    ('prefix = "-x"', f'prefix: "-x" is not a name; {PREFIX}'),
    ('prefix = "seventeen-letters"', f'prefix: "seventeen-letters" has 17 characters; {PREFIX}'),
    ("mtu = 575", "mtu: 575 is too small; use 576 to 9216 octets"),
    ("mtu = 9217", "mtu: 9217 is too large; use 576 to 9216 octets"),
    ("mtu = 0x" + "f" * 5000, "mtu: a number of 20000 bits is too large; use 576 to 9216 octets"),
    ("mtu = 1500.0", "mtu: 1500.0 is not a whole number; use 576 to 9216 octets"),
    ("mtu = 1979-05-27", "mtu: 1979-05-27 is not a whole number; use 576 to 9216 octets"),
    ("adapter = 1", "adapter: 1 is not a table; use an [adapter] table"),
    ("wire = true", "wire: true is not a table; use a [wire] table"),
    ("guest = 1", f"guest: unknown key; {TOP_KEYS}"),
    (
        "prefixes = 1",
        f'prefixes: unknown key; did you mean "prefix"? {TOP_KEYS}',
    ),
    ('"a b" = 1', f'"a b": unknown key; {TOP_KEYS}'),
    ('"a\\nb" = 1', f'"a\\nb": unknown key; {TOP_KEYS}'),
    ("adapter.ring = 56", f"adapter.ring: 56 is too small; {RING}"),
    ("adapter.ring = 8200", f"adapter.ring: 8200 is too large; {RING}"),
    ("adapter.vxlan_port = 0", f"adapter.vxlan_port: 0 is too small; {PORT}"),
    ("adapter.vxlan_port = 65536", f"adapter.vxlan_port: 65536 is too large; {PORT}"),
    ("adapter.ring = 100", f"adapter.ring: 100 is not a multiple of 8; {RING}"),
    (
        'adapter.model = "82574"',
        'adapter.model: "82574" is unknown; use "82575", "82576", "82598", "82599", "x550" or "ideal"',
    ),
    (
        "adapter.default_pool = -1",
        "adapter.default_pool: -1 is no pool; use a VM's name, the [pf]'s, or its number",
    ),
    (
        "adapter.default_pool = true",
        "adapter.default_pool: true is no pool; use a VM's name, the [pf]'s, or its number",
    ),
    (
        'adapter.mta = "02:00:00:00:00:01"',
        f'adapter.mta: "02:00:00:00:00:01" is no group\'s address; {GROUP}',
    ),
    ("adapter.mta = [7]", f"adapter.mta[0]: 7 is no group's address; {GROUP}"),
    (
        "adapter.vfta = [4095]",
        f"adapter.vfta[0]: 4095 is too large; {VIDS}",
    ),
    ("pf.accept = 1", f"pf.accept: 1 is not a list; {FLAGS}"),
    ('pf.accept = ["bam"]', f'pf.accept[0]: "bam" is unknown; {FLAGS}'),
    (
        'mirror = [{ kind = "port", to = "vm1" }]',
        f'mirror[0].kind: "port" is unknown; {KINDS}',
    ),
    ('mirror = [{ kind = "pool" }]', "mirror[0].to: missing; use a pool's name or number"),
    ('adapter.mode = "sriov"', f'adapter.mode: "sriov" is unknown; use {MODES}'),
    ("adapter.mode = []", f"adapter.mode: a list is unknown; use {MODES}"),
    (
        'adapter.moderation = "fast"',
        'adapter.moderation: "fast" is no interrupt moderation; '
        "use whole microseconds or one of off, low, medium, high, adaptive",
    ),
    (
        'adapter.arbiter = "rr"',
        'adapter.arbiter: "rr" is unknown; use "deficit", "round-robin" or "weighted"'
        " (unless given, the chip's own)",
    ),
    ('adapter.offloads = "yes"', 'adapter.offloads: "yes" is not true or false; use true or false'),
    ("adapter.local_switch = 1", "adapter.local_switch: 1 is not true or false; use true or false"),
    ("wire.vlan = 4095", f"wire.vlan: 4095 is too large; {VLAN}"),
]


@pytest.mark.parametrize(("line", "problem"), TOP)
def test_a_wrong_line_at_the_top_is_named_with_its_cure(line: str, problem: str) -> None:
    assert problems(f'{line}\n[[vm]]\nname = "vm1"') == [problem]


VM = [
    ("vlan = 0", f"vm[1].vlan: 0 is too small; {VLAN}"),
    ("vlan = 4095", f"vm[1].vlan: 4095 is too large; {VLAN}"),
    ('vlan = "x"', f'vm[1].vlan: "x" is not a whole number; {VLAN}'),
    ("vlan = true", f"vm[1].vlan: true is not a whole number; {VLAN}"),
    ("queues = 0", "vm[1].queues: 0 is too small; use 1 to 64 channels"),
    ("queues = 300", "vm[1].queues: 300 is too large; use 1 to 64 channels"),
    ('queues = "4"', 'vm[1].queues: "4" is not a whole number; use 1 to 64 channels'),
    ("weight = 0", "vm[1].weight: 0 is too small; use 1 to 100"),
    ("weight = 101", "vm[1].weight: 101 is too large; use 1 to 100"),
    ("weight = 1.5", "vm[1].weight: 1.5 is not a whole number; use 1 to 100"),
    ("rate = 0", f"vm[1].rate: 0 is too small; {RATE}"),
    ("rate = -0.5", f"vm[1].rate: -0.5 is too small; {RATE}"),
    ("rate = inf", f"vm[1].rate: inf is not a finite number; {RATE}"),
    ("rate = nan", f"vm[1].rate: nan is not a finite number; {RATE}"),
    ("rate = true", f"vm[1].rate: true is not a number; {RATE}"),
    ('rate = "10"', f'vm[1].rate: "10" is not a number; {RATE}'),
    ("spoof_check = 0", "vm[1].spoof_check: 0 is not true or false; use true or false"),
    ("rss_key = 0", "vm[1].rss_key: 0 is not text; use 40 octets in hex"),
    ('rss_key = "00"', 'vm[1].rss_key: "00" has 1 octets; use 40 octets in hex'),
    ('rss_types = "IPV4"', f'vm[1].rss_types: "IPV4" is not a list of names; {TYPES_CURE}'),
    ('rss_types = ["TCP"]', f"vm[1].rss_types: 'TCP' is no hash type; {TYPES_CURE}"),
    (
        'rss_types = ["TCP_IPV4", "UDP_IPV4"]',
        "vm[1].rss_types: NDIS_HASH_TCP_IPV4|NDIS_HASH_UDP_IPV4 is not legal alone; add NDIS_HASH_IPV4",
    ),
    ("rss_table_size = 3", "vm[1].rss_table_size: 3 is unknown; use a power of two from 2 to 128"),
    (
        "vlam = 1",
        'vm[1].vlam: unknown key; did you mean "vlan"? '
        "known keys: accept, vlans, groups, receive, transmit, own_frames, extra_macs, longest_frame, "
        "strip_vlan, untagged_only, vlan_priority, vlan_spoof_check, "
        "mac, address, vlan, name, queues, weight, rate, strict, spoof_check, iov, rss_key, "
        "rss_types, rss_table_size, vmq_weight, vrss",
    ),
    ("mac = 5", 'vm[1].mac: 5 is not text; use a MAC address such as "02:00:00:00:00:01"'),
    ('mac = "02:00"', f'vm[1].mac: "02:00" is not a MAC address; {MAC}'),
    ('mac = "02:00:00:00:00:0g"', f'vm[1].mac: "02:00:00:00:00:0g" is not a MAC address; {MAC}'),
    ('mac = "00:00:00:00:00:00"', f"vm[1].mac: 00:00:00:00:00:00 is nobody's address; {MAC}"),
    (
        'mac = "01:00:5e:00:00:01"',
        f"vm[1].mac: 01:00:5e:00:00:01 is a multicast address; {UNICAST}",
    ),
    (
        'mac = "ff:ff:ff:ff:ff:ff"',
        f"vm[1].mac: ff:ff:ff:ff:ff:ff is a multicast address; {UNICAST}",
    ),
    ("address = 10", f"vm[1].address: 10 is not a list; {ADDRESSES}"),
    ("address = [10]", f"vm[1].address[0]: 10 is not text; {ADDRESSES}"),
    ('address = "vm1"', f'vm[1].address: "vm1" is not an IP address; {ADDRESS}'),
    ('address = "10.0.0.1/33"', f'vm[1].address: "10.0.0.1/33" is not an IP address; {ADDRESS}'),
    (
        'address = ["10.0.0.1"]',
        f'vm[1].address[0]: "10.0.0.1" is not an address with just its prefix length; {ADDRESS}',
    ),
    (
        'address = "fe80::1%eth0/64"',
        f'vm[1].address: "fe80::1%eth0/64" is not an address with just its prefix length; {ADDRESS}',
    ),
    ('address = "127.0.0.1/8"', f'vm[1].address: "127.0.0.1/8" is not a host\'s address; {ADDRESS}'),
    ('address = "ff02::1/64"', f'vm[1].address: "ff02::1/64" is not a host\'s address; {ADDRESS}'),
    ('address = "0.0.0.0/0"', f'vm[1].address: "0.0.0.0/0" is not a host\'s address; {ADDRESS}'),
    (
        'address = "10.0.0.255/24"',
        f'vm[1].address: "10.0.0.255/24" is an end of 10.0.0.0/24 and no host\'s address; {ADDRESS}',
    ),
]


@pytest.mark.parametrize(("line", "problem"), VM)
def test_a_wrong_line_in_a_vm_is_named_with_its_cure(line: str, problem: str) -> None:
    assert problems(f'[[vm]]\nname = "vm1"\n[[vm]]\nname = "vm2"\n{line}') == [problem]


VMS = [
    ("", f"vm: missing; {TABLES}"),
    ("vm = []", f"vm: there is none; {TABLES}"),
    ("vm = [5]", f"vm[0]: 5 is not a table; {TABLES}"),
    ('[vm]\nname = "vm1"', f"vm: a table is not a list; {TABLES}"),
    ("".join(f'[[vm]]\nname = "vm{n}"\n' for n in range(65)), f"vm: there are 65; {TABLES}"),
    ("[[vm]]\nqueues = 1", f"vm[0].name: missing; {NAME}"),
    ("[[vm]]\nname = 1", f"vm[0].name: 1 is not text; {NAME}"),
    ('[[vm]]\nname = "seventeen-letters"', f'vm[0].name: "seventeen-letters" has 17 characters; {NAME}'),
    ('[[vm]]\nname = "-n"', f'vm[0].name: "-n" is not a name; {NAME}'),
    ('[[vm]]\nname = "a"\n[[wire.host]]\nvlan = 5', f"wire.host[0].name: missing; {NAME}"),
    (
        '[[vm]]\nname = "a"\n[[wire.host]]\nname = "b"\nqueues = 2',
        "wire.host[0].queues: unknown key; known keys: mac, address, vlan, name",
    ),
    (
        '[[vm]]\nname = "a"\n[wire]\nhost = 5',
        "wire.host: 5 is not a list; use up to 64 [[wire.host]] tables, one for each outside host",
    ),
    ('[[vm]]\nname = "a;b"', f'vm[0].name: "a;b" is not a name; {NAME}'),
    ('[[vm]]\nname = "a\\u0000"', f'vm[0].name: "a\\u0000" is not a name; {NAME}'),
    ('[[vm]]\nname = "a\\n"', f'vm[0].name: "a\\n" is not a name; {NAME}'),
]


@pytest.mark.parametrize(("text", "problem"), VMS, ids=[problem for _, problem in VMS])
def test_wrong_vm_tables_are_named_with_their_cure(text: str, problem: str) -> None:
    assert problems(text) == [problem]


def test_every_problem_is_told_at_once_in_file_order() -> None:
    text = """
        mtu = 1
        vm = [{ vlan = 0, name = "a" }, { name = "" }, { queues = 0 }]
        [adapter]
        ring = 1
        mode = ""
    """
    assert [problem.split(":")[0] for problem in problems(text)] == [
        "mtu",
        "vm[0].vlan",
        "vm[1].name",
        "vm[2].queues",
        "vm[2].name",
        "adapter.ring",
        "adapter.mode",
    ]


def test_the_error_prints_one_line_for_each_problem() -> None:
    with pytest.raises(LabFileError) as raised:
        config.parse("mtu = 1", "lab")
    assert str(raised.value).splitlines() == list(raised.value.problems)
    assert len(raised.value.problems) == 2


@pytest.mark.parametrize("kind", FAULTS)
def test_every_fault_in_the_table_is_met_by_a_case(kind: str) -> None:
    words = FAULTS[kind].replace("{value}", "").split("{")[0].strip()
    cases = [problem for _, problem in TOP + VM + VMS]
    assert any(words in problem for problem in cases), f"no case meets {kind!r}"


@pytest.mark.parametrize("model", config.TABLES.values(), ids=lambda model: model.__name__)
def test_every_key_says_what_to_use(model: type[BaseModel]) -> None:
    assert all(field.description for field in model.model_fields.values())


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (1.5, "1.5"),
        ("kühl", '"kühl"'),
        ('say "x"', '"say \\"x\\""'),
        ("\x1b[31m", '"\\u001b[31m"'),
        ("x" * 100, '"' + "x" * LONGEST_SHOWN + '..."'),
        (1 << 20000, "a number of 20001 bits"),
        ([], "a list"),
        ({}, "a table"),
    ],
    ids=["flag", "number", "umlaut", "quotes", "terminal code", "long text", "long number", "list", "table"],
)
def test_a_value_is_shown_as_the_file_writes_it(value: object, text: str) -> None:
    assert shown(value) == text


def test_a_path_is_spelled_as_the_file_would() -> None:
    assert spelled(("vm", 2, "address", 0)) == "vm[2].address[0]"
    assert spelled(("a b", "c")) == '"a b".c'


# --- whatever the file holds


KEYS = sorted({key for model in config.TABLES.values() for key in model.model_json_schema()["properties"]})
TEXT = st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"], exclude_characters="\x7f"))
ANYTHING = st.recursive(
    st.booleans() | st.integers() | st.floats() | TEXT,
    lambda values: (
        st.lists(values, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | TEXT, values, max_size=3)
    ),
    max_leaves=5,
)
ADDRESSES_IN_USE = st.sampled_from(["10.0.0.1/24", "10.0.0.1/16", "10.0.0.2/24", "fd00::1/64"])
PORT_KEYS = {
    "mac": st.sampled_from(["02:00:00:00:00:01", "02:00:00:00:00:02", "01:00:00:00:00:01"]),
    "address": ADDRESSES_IN_USE | st.lists(ADDRESSES_IN_USE, max_size=3),
    "vlan": st.sampled_from([10, 20, 4095]),
}
VM_NAMES = st.sampled_from(["vm1", "vm2", "ext", "lab-nic", "-"])
VM_TABLES = st.fixed_dictionaries(
    {"name": VM_NAMES}, optional={**PORT_KEYS, "queues": st.integers(), "colour": ANYTHING}
)
HOSTS = st.fixed_dictionaries({"name": VM_NAMES}, optional={**PORT_KEYS, "colour": ANYTHING})
WIRES = st.fixed_dictionaries(
    {}, optional={**PORT_KEYS, "host": st.lists(HOSTS | ANYTHING, max_size=3) | ANYTHING, "name": ANYTHING}
)
DOCUMENTS = st.fixed_dictionaries(
    {"vm": st.lists(VM_TABLES | ANYTHING, min_size=1, max_size=4) | ANYTHING},
    optional={
        "wire": WIRES | ANYTHING,
        "mtu": st.sampled_from([576, 9000]) | ANYTHING,
        "name": TEXT,
        "adapter": ANYTHING,
    },
)


def to_toml(value: object) -> str:
    """A value as inline TOML."""
    match value:
        case dict():
            return (
                "{" + ", ".join(f"{json.dumps(key)} = {to_toml(item)}" for key, item in value.items()) + "}"
            )
        case list():
            return "[" + ", ".join(map(to_toml, value)) + "]"
        case float():
            return repr(value)
    return json.dumps(value)


def told(text: str, name: str) -> tuple[str, ...]:
    """The problems of a text; none if it is a lab."""
    try:
        config.parse(text, name)
    except LabFileError as error:
        return error.problems or ("an error without a problem\n",)
    return ()


@given(st.text(), st.text())
def test_any_text_is_a_lab_or_a_list_of_problems(text: str, name: str) -> None:
    assert all(problem.isprintable() for problem in told(text, name))


@given(DOCUMENTS | st.dictionaries(st.sampled_from(KEYS) | TEXT, ANYTHING), st.text())
def test_any_document_is_a_lab_or_a_list_of_problems(document: dict[str, Any], name: str) -> None:
    text = "\n".join(f"{json.dumps(key)} = {to_toml(value)}" for key, value in document.items())
    assert all(problem.isprintable() for problem in told(text, name))
