"""Offered load in layers: TCP from the outside into every VM, each layer switched on and off by itself.

So the load goes up and down by steps, and what goes on is not disturbed by what comes and goes.
"""

from collections.abc import Mapping, Set
from contextlib import ExitStack

from vmdqemu.config import EXT
from vmdqemu.experiments import measure
from vmdqemu.experiments.measure import FIRST_PORT, Pair
from vmdqemu.experiments.rig import Rig

NO_END = "86400"  # seconds: until it is switched off


class Layers:
    """The layers of one lab, all off at first; ended with the block."""

    def __init__(self, rig: Rig, rates: Mapping[str, float | None]) -> None:
        """rates: of each layer, Mbit/s over all VMs together; None: all that TCP gets."""
        self._rig = rig
        self._rates = rates
        self._ports = {name: FIRST_PORT + place for place, name in enumerate(rates)}
        self._stack = ExitStack()
        self._on: dict[str, ExitStack] = {}

    def __enter__(self) -> "Layers":
        try:
            for port in self._ports.values():
                for pair in self._pairs:
                    self._serve(pair, port)
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.put(frozenset())
        self._stack.close()

    def put(self, wanted: Set[str]) -> None:
        """Have these layers on, and no others."""
        for name in self._on.keys() - wanted:
            self._on.pop(name).close()
        for name in wanted - self._on.keys():
            self._on[name] = ExitStack()
            for pair in self._pairs:
                self._send(pair, name)

    @property
    def _pairs(self) -> list[Pair]:
        return [Pair(EXT, vm.name) for vm in self._rig.lab.vms]

    def _serve(self, pair: Pair, port: int) -> None:
        argv = ("iperf3", "-s", "-p", str(port), "-i", "0", "--forceflush")
        server = measure.start(self._stack, self._rig.lab, pair.target, *argv)
        with self._rig.interrupts.taken():
            measure.until_listening(pair, server)

    def _send(self, pair: Pair, name: str) -> None:
        rate = self._rates[name]
        bits = 0 if rate is None else round(rate * 1e6 / len(self._pairs))
        target = ("-c", measure.address_of(self._rig.lab, pair.target), "-p", str(self._ports[name]))
        options = ("-t", NO_END, "-i", "0", "-b", str(bits))
        measure.start(self._on[name], self._rig.lab, pair.source, "iperf3", *target, *options)
