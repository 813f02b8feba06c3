"""The wire of a lab file: who is behind it, and what it leads to."""

import pytest

from tests.unit.lab_texts import vms, with_wire
from vmdqemu import config
from vmdqemu.config_values import derive_mac


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


def test_a_wire_that_names_no_hosts_has_one_called_ext() -> None:
    lab = config.parse(with_wire(vms(""), 'address = "10.0.0.254/24"\nvlan = 5'), "lab")
    (host,) = lab.outside
    assert (host.name, host.addresses, host.vlan) == ("ext", ("10.0.0.254/24",), 5)
    assert host.mac == derive_mac("lab", "ext")
    assert lab.namespace(host) == lab.ext_namespace
    assert [machine.name for machine in lab.machines] == ["vm1", "ext"]


def test_a_wire_has_the_hosts_that_it_names() -> None:
    lab = config.parse(
        """
        prefix = "x-"
        [[vm]]
        name = "vm1"
        [wire]
        rate = 1000
        [[wire.host]]
        name = "web"
        vlan = 5
        address = ["10.0.0.253/24", "fd00::fd/64"]
        [[wire.host]]
        name = "db"
        mac = "02:00:00:00:00:01"
        """,
        "lab",
    )
    web, db = lab.outside
    assert (web.name, web.vlan, web.ipv6, web.mac) == ("web", 5, True, derive_mac("lab", "web"))
    assert (db.name, db.vlan, db.ipv6, db.mac) == ("db", None, False, b"\x02\0\0\0\0\x01")
    assert [lab.namespace(machine) for machine in lab.machines] == ["x-vm1", "x-web", "x-db"]
    assert lab.ext_namespace == "x-ext"


@pytest.mark.parametrize("wire", ['interface = "eth1"', 'bridge = "br0"\nnamespace = "lan"'])
def test_what_a_wire_leads_to_without_the_lab_is_no_host_of_the_lab(wire: str) -> None:
    lab = config.parse(with_wire(vms(""), wire), "lab")
    assert lab.wire is not None
    assert (lab.wire.leads_away, lab.wire.mac, lab.outside) == (True, b"", ())
    assert [machine.name for machine in lab.machines] == ["vm1"]
