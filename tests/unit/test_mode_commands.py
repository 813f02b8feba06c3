"""`mode`: every mode and every placement can be asked for."""

import json

from tests.unit.asking import Asks
from vmdqemu.cli.mode_commands import ModeName, PlacementName
from vmdqemu.daemon.change import SHORT
from vmdqemu.host.processors import Policy
from vmdqemu.nic.modes import MODES


def test_every_mode_can_be_set() -> None:
    assert {name.value for name in ModeName} == {*MODES, *SHORT}
    assert {name.value for name in PlacementName} == set(Policy)


def test_the_placement_stays_as_the_lab_file_says_unless_it_is_given(asks: Asks) -> None:
    assert asks("mode", "set", "vmmq") == ("mode.set", {"mode": "vmmq"})
    verb, said = asks("mode", "set", "off-nocopy", "--placement", "dynamic")
    assert (verb, json.dumps(said)) == ("mode.set", '{"mode": "off-nocopy", "placement": "dynamic"}')
