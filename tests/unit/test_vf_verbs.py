"""The verbs for VFs: what is said becomes what is done, or one line that says what is wrong."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.unit.plants import plant
from vmdqemu.daemon.change import Changer
from vmdqemu.daemon.supervisor import Supervisor
from vmdqemu.daemon.vf_verbs import vf
from vmdqemu.daemon.vfs import Vfs
from vmdqemu.errors import UsageError
from vmdqemu.nic.adapter import AskPf, Outcome
from vmdqemu.nic.status import Status


class Doing:
    """In place of Vfs and Changer: keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    async def add(self, vm: str) -> None:
        self.asked.append(("add", vm))

    async def remove(self, vm: str, surprise: bool) -> None:
        self.asked.append(("remove", vm, surprise))

    async def set(self, vm: str, **terms: Any) -> None:
        self.asked.append(("set", vm, terms))

    async def reset(self, vm: str) -> None:
        self.asked.append(("reset", vm))

    async def carry_out(self, request: AskPf) -> Outcome:
        self.asked.append(request)
        return Outcome(plant('vm = [{ name = "vm1" }]').adapter, Status.NOT_ACCEPTED, words=(0x40000001,))


def say(verb: str, **params: Any) -> tuple[Any, Any]:
    """What is answered, and what was done."""
    doing = Doing()
    supervisor = cast(Supervisor, SimpleNamespace(plant=plant('vm = [{ name = "vm1" }]')))
    verbs = vf(supervisor, cast(Changer, doing), cast(Vfs, doing))
    answer = verbs[verb](params)
    return (asyncio.run(answer) if asyncio.iscoroutine(answer) else answer), doing.asked


@pytest.mark.parametrize(
    ("verb", "params", "done"),
    [
        ("vf.add", {"vm": "vm1"}, ("add", "vm1")),
        ("vf.remove", {"vm": "vm1"}, ("remove", "vm1", False)),
        ("vf.remove", {"vm": "vm1", "surprise": True}, ("remove", "vm1", True)),
        ("vf.reset", {"vm": "vm1"}, ("reset", "vm1")),
        ("vf.set", {"vm": "vm1", "vlan": 0}, ("set", "vm1", {"vlan": None})),
        (
            "vf.set",
            {"vm": "vm1", "trust": True, "spoofchk": False, "rate": 5, "mac": "02:00:00:00:00:09"},
            ("set", "vm1", {"mac": b"\2\0\0\0\0\x09", "trusted": True, "spoof_check": False, "rate": 5}),
        ),
    ],
)
def test_a_verb_is_carried_out_and_answered_with_the_vfs(
    verb: str, params: dict[str, Any], done: tuple[Any, ...]
) -> None:
    assert say(verb, **params) == ({"schema_version": 1, "vfs": []}, [done])


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"vm": "vm1"}, "nothing to set; give a mac, vlan, trust, spoofchk or rate"),
        ({"vm": "vm1", "rate": -1}, "rate: -1 is not a number of Mbit/s"),
        ({"vm": "vm1", "rate": True}, "rate: True is not a number"),
        ({"vm": "vm1", "mac": "x"}, "mac: 'x' is not a MAC address"),
        ({"vm": "vm1", "trust": "on"}, "trust: 'on' is not true or false"),
    ],
)
def test_what_cannot_be_read_changes_nothing(params: dict[str, Any], reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        say("vf.set", **params)


def test_a_message_comes_with_its_caller() -> None:
    answer, asked = say("vf.mailbox", vf=0, caller="vm1", words=[1])
    assert answer == {"status": "NDIS_STATUS_NOT_ACCEPTED", "words": [0x40000001]}
    assert asked == [AskPf(0, "vm1", (1,))]
