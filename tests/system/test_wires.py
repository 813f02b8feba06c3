"""The wire leads to what was there before the lab: a NIC of the machine, or a bridge that two labs share."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from netns import links, namespace
from netns.lab import Lab
from netns.namespace import HERE
from tests.system.command import Write, refused, up, vmdqemu
from tests.system.harness import RunningLab, eventually, running
from tests.system.iperf import iperf3
from vmdqemu.daemon import runtime

pytestmark = pytest.mark.system

NIC: Final = f"nic{os.getpid()}"  # of the machine that the tests run on: a veth stands for it
FAR: Final = f"wires{os.getpid()}"  # the host behind it
AWAY: Final = f"{FAR}-away"  # where the bridge is
FAR_ADDRESS: Final = "10.0.0.9"
BRIDGE: Final = "br0"

TWO_VMS: Final = """
vm = [
  { name = "vm1", address = "10.0.0.1/24" },
  { name = "vm2", vlan = 5, address = "10.0.0.2/24" },
]
[adapter]
mode = "vmq"
"""
ON_NIC: Final = f'{TWO_VMS}[wire]\ninterface = "{NIC}"\n'


def on_bridge(address: str) -> str:
    return f"""
vm = [{{ name = "vm", address = "{address}/24" }}]
[adapter]
mode = "vmq"
[wire]
bridge = "{BRIDGE}"
namespace = "{AWAY}"
"""


class Machines:
    """A lab's machines and the host behind its wire, for iperf3."""

    def __init__(self, lab: RunningLab) -> None:
        self._lab = lab

    def run(self, name: str, *argv: str) -> str:
        return namespace.run(self._ns(name), argv).stdout

    def start(self, name: str, *argv: str, **streams: Any) -> Any:
        return namespace.start(self._ns(name), argv, **streams)

    def _ns(self, name: str) -> str:
        return FAR if name == FAR else self._lab.ns(name)


@pytest.fixture(scope="module")
def nic() -> Iterator[None]:
    """A NIC of this machine, up, with GRO on as NICs have it, and another host behind it."""
    with Lab() as lab:
        lab.namespace(FAR)
        lab.veth(HERE, NIC, FAR, "eth0", mtu=1500)
        namespace.run(HERE, ["ethtool", "-K", NIC, "gro", "on", "rx-gro-list", "on"])
        links.add_address(FAR, "eth0", f"{FAR_ADDRESS}/24")
        for ns, ifname in ((FAR, "eth0"), (HERE, NIC)):
            links.up(ns, ifname)
        yield


@pytest.fixture
def bridge() -> Iterator[None]:
    """A bridge in a namespace that is nobody's, with an address of its own."""
    with Lab() as lab:
        lab.namespace(AWAY)
        lab.bridge(AWAY, BRIDGE, [])
        links.add_address(AWAY, BRIDGE, f"{FAR_ADDRESS}/24")
        yield


def features(ns: str) -> set[str]:
    lines = namespace.run(ns, ["ethtool", "-k", NIC]).stdout.splitlines()
    return {line.strip() for line in lines if line.strip().startswith(("generic-receive", "rx-gro-list"))}


def state() -> tuple[Any, ...]:
    """The NIC as it is at home."""
    link = links.look(HERE, NIC)
    return link.up, link.mtu, link.master, link.addresses, features(HERE), promiscuity(HERE)


def promiscuity(ns: str) -> str:
    words = namespace.run(ns, ["ip", "-d", "link", "show", NIC]).stdout.split()
    return words[words.index("promiscuity") + 1]


def ping(ns: str, address: str, count: int = 1) -> None:
    namespace.run(ns, ["ip", "neighbour", "flush", "all"])  # the last lab's VM had this address too
    namespace.run(ns, ["ping", "-c", str(count), "-W", "5", "-i", "0.01", address])


@pytest.mark.usefixtures("nic")
def test_a_nic_is_the_wire_and_comes_home_as_it_was(tmp_path: Path) -> None:
    before = state()
    with running(ON_NIC, tmp_path) as lab:
        ping(FAR, "10.0.0.1")
        ping(lab.ns("vm1"), FAR_ADDRESS)
        assert promiscuity(lab.ns("nic")) == "1"
        assert features(lab.ns("nic")) == {"generic-receive-offload: on", "rx-gro-list: off"}
        status = lab.call("status")
        assert (status["wire"]["interface"], status["outside"]) == (NIC, [])
        assert not namespace.exists(lab.ns("ext"))
        rows = {queue["VmFriendlyName"]: queue["rx-packets"] for queue in lab.call("queue.list")["queues"]}
        assert rows["vm1"] > 0
    assert state() == before


@pytest.mark.usefixtures("nic")
@pytest.mark.parametrize("offloads", [True, False])
def test_tcp_crosses_a_nic_both_ways(offloads: bool, tmp_path: Path) -> None:
    text = ON_NIC.replace('mode = "vmq"', f'mode = "vmq"\noffloads = {str(offloads).lower()}')
    with running(text, tmp_path) as lab:
        machines = Machines(lab)
        for options in ((), ("-R",)):
            end = iperf3(machines, "vm1", FAR, FAR_ADDRESS, "-n", "30M", *options)
            assert end["sum_received"]["bytes"] > 10e6  # some are still on their way at its end


@pytest.mark.usefixtures("nic")
def test_a_lab_that_was_killed_gives_the_nic_back_when_it_is_taken_down(write: Write) -> None:
    before = state()
    file = write(ON_NIC)
    up(file)
    os.kill(runtime.find(file.lab).pid, signal.SIGKILL)
    eventually(lambda: not runtime.running(file.lab), "the daemon is dead")
    assert vmdqemu("down", file.lab).returncode == 0
    assert state() == before


@pytest.mark.usefixtures("nic")
def test_a_nic_that_the_machine_needs_is_refused_with_the_cure(write: Write) -> None:
    file = write(ON_NIC)
    links.add_address(HERE, NIC, "192.0.2.1/24")
    try:
        said = refused(vmdqemu("up", file.path, "--detach"), 1)
    finally:
        namespace.run(HERE, ["ip", "address", "flush", "dev", NIC])
    assert f"`ip address del 192.0.2.1/24 dev {NIC}`" in said
    assert not file.left


@pytest.mark.usefixtures("bridge")
def test_two_labs_share_a_bridge_that_outlives_them(tmp_path: Path) -> None:
    with running(on_bridge("10.0.0.1"), tmp_path) as one:
        with running(on_bridge("10.0.0.2"), tmp_path) as other:
            ping(one.ns("vm"), "10.0.0.2", count=3)
            ping(AWAY, "10.0.0.2")
            ports = namespace.run(AWAY, ["ip", "-o", "link", "show", "master", BRIDGE]).stdout
            assert {f"{one.config.name}-ext", f"{other.config.name}-ext"} <= set(
                ports.replace("@", " ").replace(":", " ").split()
            )
        ping(one.ns("vm"), FAR_ADDRESS)
    assert links.look(AWAY, BRIDGE).up


def test_a_bridge_that_is_not_there_is_refused_with_the_cure(write: Write) -> None:
    file = write(TWO_VMS + '[wire]\nbridge = "br99"\n')
    said = refused(vmdqemu("up", file.path, "--detach"), 1)
    assert "no bridge 'br99' here: `ip link add br99 type bridge`" in said
    assert not file.left
