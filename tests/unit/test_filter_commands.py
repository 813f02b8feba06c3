"""`filter`: what each of its commands asks for."""

from tests.unit.asking import Asks

MAC = "02:00:00:00:00:01"


def test_a_filter_is_set_in_a_vlan_or_in_none(asks: Asks) -> None:
    assert asks("filter", "add", "vm1", MAC) == ("filter.set", {"vm": "vm1", "mac": MAC, "vlan": None})
    assert asks("filter", "add", "vm1", MAC, "--vlan", "5")[1]["vlan"] == 5


def test_a_filter_is_cleared_and_moved_by_its_number(asks: Asks) -> None:
    assert asks("filter", "del", "3") == ("filter.clear", {"filter": 3})
    assert asks("filter", "move", "3", "vm2") == ("filter.move", {"filter": 3, "vm": "vm2"})
