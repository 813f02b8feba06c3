"""What is real in the comparison of the modes with SR-IOV, and what is not."""

from typing import Final

from vmdqemu.experiments import claims

REAL: Final = (
    "Linux TCP between network namespaces, driven by iperf3; echoes by fping",
    "behind a queue every frame crosses a worker process and a TAP, and from the wire the eBPF sorter too",
    "between VFs, and between VF and wire, it crosses the eBPF switch and a veth, and no process of ours",
    "the baselines: a kernel bridge that filters nothing, and a bare veth pair, in namespaces of their own",
    *claims.REAL[2:],
)
EMULATED: Final = (
    "the adapter: filters, a queue for each VM, RSS inside a VPort; its switch between VFs and the wire",
    "the host's processors: worker processes, each with the whole speed of a CPU",
    claims.EMULATED[-1],
)
CHOSEN: Final = (
    "nothing is held back: no rate on the wire, processors with the whole speed of a CPU; which CPU runs "
    "iperf3 and fping, and takes in what a VM sends by a cable, is the same for everybody: one for all of it "
    "in an echo at rest, all of them by turns under load"
)
NOT_MODELLED: Final = (
    "DMA, PCIe, caches, interrupt cost, VMBus signalling, an IOMMU",
    "the guests' own processors: behind a queue their receiving stack runs inside our write, so it is booked "
    "under host or adapter",
    "a VF's silicon: its switching, and the receiving stack behind it, run in the softirqs of whoever sends, "
    "booked under outside or guest; where the VF's one CPU took the frame in, in no column but busy",
    "a bridge and a veth pair alike; the eBPF sorter and switch run on the sender's clock in every mode",
    claims.NOT_MODELLED[-1],
)


def listed() -> dict[str, list[str]]:
    """All five lists."""
    return claims.without_fit(CHOSEN, REAL, EMULATED, NOT_MODELLED)
