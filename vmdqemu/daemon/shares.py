"""What each VM may send, on a running lab."""

from typing import Any

from vmdqemu.daemon.change import Changer, agreed
from vmdqemu.daemon.supervisor import Supervisor
from vmdqemu.errors import UsageError
from vmdqemu.nic.adapter import SetShare
from vmdqemu.nic.status import Status


class Shares:
    """Changes the shares of the transmitter in one lab. What waits in a ring stays there meanwhile."""

    def __init__(self, supervisor: Supervisor, changer: Changer) -> None:
        self._supervisor = supervisor
        self._changer = changer

    async def set(self, vm: str, **terms: Any) -> None:
        """Change some of the terms (fields of Share) that a VM's rings are served on; rate 0: no limit.

        Raises UsageError with what the model can do.
        """
        async with self._changer.busy:
            plant = self._supervisor.plant
            numbers = {port.name: port.number for port in plant.ports}
            if vm not in numbers:
                raise UsageError(f"no VM {vm!r}; choose one of: {', '.join(numbers)}")
            number = numbers[vm]
            share = plant.adapter.vports[number].share._replace(**terms)
            share = share._replace(rate=share.rate or None)
            try:
                plant.adapter.model.arbiter.settle(share)
            except ValueError as error:
                raise UsageError(f"{Status.INVALID_PARAMETER}: {error}") from None
            plant.adapter = agreed(plant.adapter, SetShare(number, share))
            await self._supervisor.share(number)
