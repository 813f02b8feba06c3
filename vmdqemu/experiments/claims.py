"""The five lists that every result carries: what is real in it, and what is not."""

from collections.abc import Sequence
from typing import Final

from vmdqemu.experiments.calibrate import Fit
from vmdqemu.experiments.predict import Prediction

REAL: Final = (
    "Linux TCP between network namespaces, driven by iperf3",
    "every frame crosses the wire device, the eBPF sorter, a kernel ring, a worker process and a TAP",
    "Gbit/s are wall-clock, as iperf3's receivers count them, the first second of TCP omitted",
    "CPU times are the kernel's, from /proc/PID/schedstat",
)
EMULATED: Final = (
    "the wire: a veth held to what a 10 GbE cable carries, 9.415 Gbit/s of TCP",
    "the 82598's sorter: (MAC, VLAN) filters, a queue for each VM",
    "the host's processors: worker processes, each held to its share of a CPU by its own CPU clock",
    "the vSwitch: look-up, and one copy for VMBus where the mode says so",
)
NOT_MODELLED: Final = (
    "DMA, PCIe, caches, interrupt cost, VMBus signalling",
    "host transmit work: booked under adapter",
    "the guests' own processors: their receiving stack runs inside our write, so it is booked under host",
    "two kernel copies that hardware does by DMA: they dilute the saving",
    "a frame at a time: the unit of work is a superframe of up to 45 wire frames",
)


def claims(fit: Fit, predictions: Sequence[Prediction]) -> dict[str, list[str]]:
    """All five, with this run's numbers in them."""
    calibrated = (
        f"one number: the speed of a processor, {fit.speed:.4f} of a CPU, so that off with 4 VMs gives "
        f"{fit.target} Gbit/s; {fit.target} is an input"
    )
    return {
        "real": list(REAL),
        "emulated": list(EMULATED),
        "calibrated": [calibrated],
        "predicted": [_sentence(prediction) for prediction in predictions],
        "not_modelled": list(NOT_MODELLED),
    }


def without_fit(
    chosen: str,
    real: Sequence[str] = REAL,
    emulated: Sequence[str] = EMULATED,
    not_modelled: Sequence[str] = NOT_MODELLED,
) -> dict[str, list[str]]:
    """Of an experiment that fits and predicts nothing; chosen: the number that somebody has decided on."""
    return {
        "real": list(real),
        "emulated": list(emulated),
        "calibrated": [f"nothing; {chosen}"],
        "predicted": [],
        "not_modelled": list(not_modelled),
    }


def _sentence(said: Prediction) -> str:
    return (
        f"{said.mode}, {said.vms} VMs: {said.gbit_per_s:.2f} Gbit/s ({said.processors} processors, "
        f"{said.ns_per_frame:.0f} ns a frame), {said.cpu_s_per_gbit * 1e3:.1f} CPU ms a gigabit, "
        f"limit: {said.limit}"
    )
