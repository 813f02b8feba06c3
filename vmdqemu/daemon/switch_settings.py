"""A chip's switch on a running lab: its registers change by the lab file's keys, and no frame is lost."""

from collections.abc import Iterator
from typing import Any, Final

from pydantic import ValidationError

from vmdqemu.config import LabConfig, VmConfig
from vmdqemu.config_pools import (
    check_pools,
    filters_of,
    requests_for_filters,
    requests_for_pf,
    requests_for_port,
    requests_for_vm,
)
from vmdqemu.config_problems import from_validation, spelled
from vmdqemu.config_switch import PfConfig, SwitchKeys, VmPoolKeys
from vmdqemu.config_values import Table
from vmdqemu.daemon.change import Changer, agreed
from vmdqemu.daemon.supervisor import Supervisor
from vmdqemu.errors import UsageError
from vmdqemu.nic.adapter import ClearFilter, Request
from vmdqemu.nic.tables import DEFAULT_VPORT

_FIXED: Final = {"bridge", "local_switch", "name"}  # settled when the lab comes up


class SwitchSettings:
    """Changes the registers of one lab."""

    def __init__(self, supervisor: Supervisor, changer: Changer) -> None:
        self._supervisor = supervisor
        self._changer = changer

    async def set(self, pool: str | None, keys: dict[str, Any]) -> None:
        """Give keys of a pool, or of [adapter], other values.

        Raises UsageError for a key that is none, VmdqemuError with the adapter's status and the limit.
        """
        async with self._changer.busy:
            plant = self._supervisor.plant
            config, requests = self._port(keys) if pool is None else self._pool(pool, keys)
            change = await self._changer.prepare(agreed(plant.adapter, *requests))
            plant.config = config
            await self._changer.put(change)

    def _port(self, keys: dict[str, Any]) -> tuple[LabConfig, list[Request]]:
        plant = self._supervisor.plant
        adapter = plant.config.adapter.model_copy(update=_read(SwitchKeys, keys))
        config = plant.config.model_copy(update={"adapter": adapter})
        check_pools(config)
        return config, requests_for_port(config, plant.adapter)

    def _pool(self, name: str, keys: dict[str, Any]) -> tuple[LabConfig, list[Request]]:
        plant = self._supervisor.plant
        config = plant.config
        if name == config.pf.name:
            pf = config.pf.model_copy(update=_read(PfConfig, keys))
            requests = requests_for_pf(config.model_copy(update={"pf": pf}), plant.adapter)
            return config.model_copy(update={"pf": pf}), [
                *self._filters(DEFAULT_VPORT, config.pf, pf),
                *requests,
            ]
        before = self._vm(name)
        vm = before.model_copy(update=_read(VmPoolKeys, keys))
        vms = tuple(vm if other is before else other for other in config.vms)
        number = next(port.number for port in plant.ports if port.name == name)
        requests = requests_for_vm(vm, number, plant.adapter)
        return config.model_copy(update={"vms": vms}), [*self._filters(number, before, vm), *requests]

    def _filters(
        self, number: int, before: PfConfig | VmConfig, after: PfConfig | VmConfig
    ) -> Iterator[Request]:
        """What makes one set of filters of the other; one that was added by hand stays."""
        old, new = set(filters_of(before)), set(filters_of(after))
        adapter = self._supervisor.plant.adapter
        for held, filter_ in adapter.filters.items():
            if filter_.vport == number and filter_.key in old - new:
                yield ClearFilter(held, filter_.owner)
        yield from requests_for_filters(number, (key for key in filters_of(after) if key not in old), adapter)

    def _vm(self, name: str) -> VmConfig:
        config = self._supervisor.plant.config
        found = next((vm for vm in config.vms if vm.name == name), None)
        if found is None:
            names = ", ".join((config.pf.name, *(vm.name for vm in config.vms)))
            raise UsageError(f"no pool {name!r}; choose one of: {names}")
        return found


def _read(table: type[Table], keys: dict[str, Any]) -> dict[str, Any]:
    """The values of keys, checked as the lab file's are. Raises UsageError."""
    if fixed := sorted(_FIXED & set(keys)):
        raise UsageError(f"{fixed[0]}: not while the lab runs; set it in the lab file")
    try:
        read = table.model_validate(keys)
    except ValidationError as error:
        problems = from_validation(error, {"": table})
        raise UsageError("\n".join(f"{spelled(place)}: {text}" for place, text in problems)) from None
    return {name: getattr(read, name) for name in read.model_fields_set}
