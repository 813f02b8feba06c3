"""The keys of a chip's switch: what a lab file says of pools becomes registers."""

import pytest

from vmdqemu.config import parse
from vmdqemu.config_adapter import describe
from vmdqemu.errors import LabFileError
from vmdqemu.nic.adapter import Adapter
from vmdqemu.nic.pools import EVERY_GROUP, Accept, PoolSettings, PortSettings


def described(text: str, model: str = "82599", mode: str = "vmq") -> Adapter:
    top = f'adapter.model = "{model}"\nadapter.mode = "{mode}"\n'
    return describe(parse(top + text, "lab"))


def vm(number: int = 1, keys: str = "") -> str:
    return f'[[vm]]\nname = "vm{number}"\nmac = "02:00:00:00:00:0{number}"\n{keys}\n'


def test_a_lab_that_says_nothing_of_pools_has_a_vswitchs_registers() -> None:
    built = described(vm())
    assert built.port == PortSettings()
    assert built.vports[1].pool == PoolSettings()
    assert (built.pf.name, built.pf.pool.accept) == ("default", EVERY_GROUP | Accept.AUPE)


def test_every_key_of_a_pool_reaches_its_register() -> None:
    keys = """
    accept = ["ROPE"]
    own_frames = true
    receive = false
    transmit = false
    longest_frame = 1522
    strip_vlan = true
    untagged_only = true
    vlan_priority = 5
    vlan_spoof_check = false
    vlans = [7]
    """
    assert described(vm(keys=keys), "82576").vports[1].pool == PoolSettings(
        accept=Accept.ROPE,
        own_frames=True,
        receive=False,
        transmit=False,
        longest=1522,
        strip=True,
        untagged_only=True,
        priority=5,
        vlan_check=False,
    )


@pytest.mark.parametrize(
    ("keys", "switched", "loopback", "replication"),
    [
        ("", False, True, False),
        ("adapter.local_switch = false", False, False, False),
        ("adapter.local_switch = true", True, True, True),
        ('adapter.bridge = "veb"', True, True, True),
        ('adapter.bridge = "vepa"', True, False, True),
        ('adapter.bridge = "veb"\nadapter.local_switch = false', True, False, True),
        ('adapter.bridge = "veb"\nadapter.replication = false', True, True, False),
    ],
)
def test_who_switches_what_vms_send(keys: str, switched: bool, loopback: bool, replication: bool) -> None:
    built = described(keys + "\n" + vm())
    assert (built.local_switch, built.loopback, built.port.replication) == (switched, loopback, replication)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("adapter.default_pool = 9\n", 'adapter.default_pool: "9" is no pool; use one of default, vm1'),
        (
            'mirror = [{ kind = "uplink", to = "vm9" }]\n',
            'mirror[0].to: "vm9" is no pool; use one of default, vm1',
        ),
        (
            'mirror = [{ kind = "pool", to = "vm1", pools = ["x"] }]\n',
            'mirror[0].pools: "x" is no pool; use one of default, vm1',
        ),
        ("adapter.ring = 4104\n", "adapter.ring: 4104 descriptors; the 82576 has 80 to 4096"),
        ("adapter.ring = 72\n", "adapter.ring: 72 descriptors; the 82576 has 80 to 4096"),
        (
            'adapter.default_pool_disabled = true\npf.accept = ["UPE"]\n',
            "pf: NDIS_STATUS_NOT_SUPPORTED: no pool of the 82576 is promiscuous",
        ),
    ],
)
def test_what_the_lab_cannot_have_is_named_with_its_place(text: str, problem: str) -> None:
    with pytest.raises(LabFileError) as raised:
        described(text + vm(), "82576")
    (told,) = raised.value.problems
    assert told.startswith(problem)


def test_a_33rd_vlan_on_an_82576_is_refused_and_a_32nd_is_not() -> None:
    described(vm(keys=f"vlans = {list(range(1, 33))}"), "82576")
    with pytest.raises(LabFileError, match=r"vm\[0\]: NDIS_STATUS_RESOURCES: .* 32 VLAN filters"):
        described(vm(keys=f"vlans = {list(range(1, 34))}"), "82576")


def test_a_mode_that_the_chip_has_not_is_refused() -> None:
    with pytest.raises(LabFileError, match=r"adapter: NDIS_STATUS_NOT_SUPPORTED: the 82599 has no mode vmmq"):
        described(vm(), mode="vmmq")


def test_vfs_that_the_chip_has_not_are_refused() -> None:
    keywords = '[keywords]\n"*SriovPreferred" = 1\n"*NumVFs" = {}\n'
    assert described(keywords.format(7) + vm(), "82576").switch is not None
    with pytest.raises(LabFileError, match=r"adapter: NDIS_STATUS_INVALID_PARAMETER: .* 7 VFs"):
        described(keywords.format(8) + vm(), "82576")
