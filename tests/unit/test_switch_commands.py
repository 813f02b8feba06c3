"""`switch`: what each of its commands asks for, with values as the lab file has them."""

import pytest

from tests.unit.asking import Asks, run
from vmdqemu.errors import UsageError


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["vlan_filtering=false"], {"keys": {"vlan_filtering": False}}),
        (["vfta = [0, 100]", "hash_form=3"], {"keys": {"vfta": [0, 100], "hash_form": 3}}),
        (["default_pool=vm2"], {"keys": {"default_pool": "vm2"}}),
        (["--of", "vm1", 'accept=["BAM"]'], {"keys": {"accept": ["BAM"]}, "pool": "vm1"}),
    ],
)
def test_a_change_is_said_as_the_lab_file_would_have_it(
    arguments: list[str], said: dict[str, object], asks: Asks
) -> None:
    assert asks("switch", "set", *arguments) == ("switch.set", said)


def test_the_registers_are_asked_for(asks: Asks) -> None:
    assert asks("switch", "list") == ("switch.list", {})


@pytest.mark.parametrize("change", ["vlan_filtering", "=1", " =1"])
def test_what_is_no_change_is_a_usage_error(change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="write KEY=VALUE, such as vlan_filtering=false"):
        run(monkeypatch, "switch", "set", change)
