"""How a machine is asked whether it can run a lab: each probe tries the thing itself, and cleans up.

A probe returns what it found. What it does not find it raises as Missing, with the cure.
"""

import gzip
import importlib
import os
import platform
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from netns.lab import Lab
from vmdqemu.bpf.loader import BpfObject, Hook
from vmdqemu.daemon import plant, privileges, runtime
from vmdqemu.datapath import tap
from vmdqemu.errors import Missing

SECCOMP_ACTIONS: Final = Path("/proc/sys/kernel/seccomp/actions_avail")
KERNEL_CONFIG: Final = Path("/proc/config.gz")


def kernel() -> str:
    """pidfd_open(2), by which processes are ended, is Linux 5.3 and later."""
    os.close(os.pidfd_open(os.getpid()))
    return f"Linux {platform.release()}"


def privilege() -> str:
    """Root, with the capabilities that it has outside containers."""
    privileges.require()
    return "root, with every capability that is needed"


def tun() -> str:
    """The device behind every TAP."""
    os.close(tap.open_driver())
    return "opens"


def namespaces() -> str:
    """Network namespaces that `ip netns` shows."""
    with _namespace():
        return "can be made"


def taps() -> str:
    """Two rings, the vnet header, and superframes."""
    with _tap() as (_, device):
        if device.offloads != tap.WITH_USO:
            raise Missing("no UDP superframes (USO)", "use Linux 6.2 or later; labs run without them")
        return "several rings, vnet header, checksum, TSO and USO"


def ebpf() -> str:
    """The programs on the wire load, and a link runs one."""
    with BpfObject("eswitch") as eswitch, BpfObject("vlan"), _tap() as (ns, _):
        eswitch.serve("from_pf", ns, plant.GUEST_LINK, Hook.INGRESS)
        return "programs load, and run on a link"


def seccomp() -> str:
    """What confines a worker: libseccomp, and a kernel that can refuse a system call."""
    try:
        importlib.import_module("pyseccomp")
    except (ImportError, RuntimeError):  # RuntimeError: it does not find the library
        cure = "run scripts/setup (Debian: apt-get install libseccomp2)"
        raise Missing("libseccomp is not installed", cure) from None
    if "errno" not in SECCOMP_ACTIONS.read_text().split():
        raise Missing("the kernel cannot refuse system calls", "use a kernel with CONFIG_SECCOMP_FILTER")
    return "libseccomp, and a kernel that filters"


def memfd() -> str:
    """The counters' memory."""
    os.close(os.memfd_create("vmdqemu-doctor"))
    return "can be made"


def tool(name: str, package: str) -> str:
    """A program; the package is Debian's."""
    if found := shutil.which(name):
        return found
    raise Missing("not installed", f"run scripts/setup (Debian: apt-get install {package})")


def processors() -> str:
    """One for the adapter and one for the host is the least that shows anything."""
    count = len(os.sched_getaffinity(0))
    if count < 2:
        raise Missing("only one: the adapter and the host share it", "give this machine two or more")
    return str(count)


def leftovers() -> str:
    """What killed labs left behind."""
    left = [record.lab for record in runtime.records() if not runtime.running(record.lab)]
    if left:
        raise Missing(f"left by a killed daemon: {', '.join(left)}", f"clean up: vmdqemu down {left[0]}")
    return "none"


def interrupt_time() -> str:
    """Whether a task's clock leaves out the interrupts it serves: then a processor's share means less."""
    if not KERNEL_CONFIG.exists():
        return "unknown: this kernel does not show its configuration"
    with gzip.open(KERNEL_CONFIG, "rt") as options:
        if "CONFIG_IRQ_TIME_ACCOUNTING=y\n" in options:
            return "booked apart from tasks: shares of a processor are less exact"
    return "booked under the task that serves it"


@contextmanager
def _namespace() -> Iterator[tuple[Lab, str]]:
    privileges.require()
    name = f"vmdqemu-doctor-{os.getpid()}"
    with Lab() as lab:
        lab.namespace(name)
        yield lab, name


@contextmanager
def _tap() -> Iterator[tuple[str, tap.Tap]]:
    with _namespace() as (lab, ns):
        device = tap.open_tap(ns, plant.GUEST_LINK, rings=2, ring=64, offloads=True)
        lab.push(tap.close, device.fds)
        yield ns, device
