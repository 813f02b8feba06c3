"""The control socket's verbs for VFs.

The back channel of a VF's own driver is a verb too: `vf.mailbox`, with the VM that asks as its caller.
"""

import math
from typing import Any

from vmdqemu.daemon import reports, vf_report
from vmdqemu.daemon.change import Changer
from vmdqemu.daemon.control import Document, Method
from vmdqemu.daemon.params import Params
from vmdqemu.daemon.supervisor import Supervisor
from vmdqemu.daemon.vfs import Vfs
from vmdqemu.errors import UsageError
from vmdqemu.nic.adapter import AskPf


def vf(supervisor: Supervisor, changer: Changer, vfs: Vfs) -> dict[str, Method]:
    """The group; each change is answered with all VFs."""

    def every(_: Document) -> Document:
        return {"schema_version": reports.SCHEMA_VERSION, "vfs": vf_report.rows(supervisor.plant)}

    async def add(document: Document) -> Document:
        await vfs.add(Params(document).text("vm"))
        return every(document)

    async def remove(document: Document) -> Document:
        params = Params(document)
        await vfs.remove(params.text("vm"), params.flag("surprise"))
        return every(document)

    async def put(document: Document) -> Document:
        params = Params(document)
        terms = _terms(params)
        if not terms:
            raise UsageError("nothing to set; give a mac, vlan, trust, spoofchk or rate")
        await vfs.set(params.text("vm"), **terms)
        return every(document)

    async def reset(document: Document) -> Document:
        await vfs.reset(Params(document).text("vm"))
        return every(document)

    return {
        "vf.list": every,
        "vf.add": add,
        "vf.remove": remove,
        "vf.set": put,
        "vf.reset": reset,
        "vf.mailbox": _mailbox(changer),
    }


def _mailbox(changer: Changer) -> Method:
    async def ask(document: Document) -> Document:
        """The words of the answer; none to what is no message of the caller's VF."""
        params = Params(document)
        request = AskPf(params.whole("vf"), params.text("caller"), params.wholes("words"))
        outcome = await changer.carry_out(request)
        return {"status": outcome.status, "words": list(outcome.words)}

    return ask


def _terms(params: Params) -> dict[str, Any]:
    """The words of `ip link set DEV vf N`: VLAN 0 is none, and rate 0 no limit."""
    terms: dict[str, Any] = {}
    if params.has("mac"):
        terms["mac"] = params.mac("mac")
    if params.has("vlan"):
        terms["vlan"] = params.whole("vlan") or None
    if params.has("trust"):
        terms["trusted"] = params.flag("trust")
    if params.has("spoofchk"):
        terms["spoof_check"] = params.flag("spoofchk")
    if params.has("rate"):
        terms["rate"] = _rate(params)
    return terms


def _rate(params: Params) -> float:
    what = "a number of Mbit/s"
    rate = params.number("rate", what)
    if not 0 <= rate < math.inf:
        raise UsageError(f"rate: {rate!r} is not {what}")
    return rate
