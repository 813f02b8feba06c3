"""Receive filters of a running lab: whose frames a (MAC, VLAN) is."""

from vmdqemu.daemon.change import Changer
from vmdqemu.daemon.plant import Plant
from vmdqemu.errors import UsageError
from vmdqemu.nic.adapter import ClearFilter, MoveFilter, SetFilter
from vmdqemu.nic.filters import Vlan
from vmdqemu.nic.frame import parse_mac


class Filters:
    """Changes the filters of one lab. Raises UsageError, and VmdqemuError with the adapter's status."""

    def __init__(self, plant: Plant, changer: Changer) -> None:
        self._plant = plant
        self._changer = changer

    async def set(self, vm: str, mac: str, vlan: Vlan) -> None:
        """Give a VM the frames for an address in a VLAN."""
        try:
            octets = parse_mac(mac)
        except ValueError:
            raise UsageError(f"{mac!r} is not a MAC address; use one such as 02:00:00:00:00:01") from None
        await self._changer.request(SetFilter(self._vport(vm), octets, vlan))

    async def clear(self, number: int) -> None:
        """Remove a filter: its frames go the way of unknown addresses."""
        self._require(number)
        await self._changer.request(ClearFilter(number, self._plant.adapter.filters[number].owner))

    async def move(self, number: int, vm: str) -> None:
        """Give a filter to another VM."""
        self._require(number)
        owner = self._plant.adapter.filters[number].owner
        await self._changer.request(MoveFilter(number, self._vport(vm), owner))

    def _require(self, number: int) -> None:
        if number not in self._plant.adapter.filters:
            raise UsageError(f"no filter {number}; vmdqemu filter list names them")

    def _vport(self, vm: str) -> int:
        """The VPort of a VM."""
        numbers = {port.name: port.number for port in self._plant.ports}
        if vm not in numbers:
            raise UsageError(f"no VM {vm!r}; choose one of: {', '.join(numbers)}")
        return numbers[vm]
