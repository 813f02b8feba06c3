"""Several hosts share the wire: each reaches its own VLAN and nobody else, superframes whole."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

import netns
from netns import counters, namespace
from tests.system.harness import DEADLINE, RunningLab, eventually, running, started
from tests.system.iperf import iperf3
from vmdqemu.config import VmConfig, parse
from vmdqemu.config_wire import OutsideConfig
from vmdqemu.daemon import runtime
from vmdqemu.datapath.outside import HOST_LINK
from vmdqemu.datapath.wires import WIRE

pytestmark = pytest.mark.system

SHIPPED = (Path(netns.__file__).parent / "labs" / "outside-hosts.toml").read_text()
LAB = SHIPPED.replace('name = "outside"\n', "").replace("rate = 1000\n", "")
VLAN_5 = ("vm1", "web")
ONE_HOST = """
vm = [{ name = "vm1", vlan = 5, address = "10.0.0.1/24" }]
[wire]
vlan = 5
address = "10.0.0.254/24"
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    with running(LAB, tmp_path_factory.mktemp("outside")) as lab:
        yield lab


def address(machine: VmConfig | OutsideConfig) -> str:
    """Without its prefix length."""
    return machine.addresses[0].partition("/")[0]


def answering(lab: RunningLab, sender: str, wanted: set[str]) -> set[str]:
    """Who answers a machine's pings until all that are wanted have, when it knows everybody's MAC address."""
    others = {address(machine): machine for machine in lab.config.machines if machine.name != sender}
    for ip, other in others.items():
        entry = (ip, "lladdr", other.mac.hex(":"), "dev", HOST_LINK, "nud", "permanent")
        lab.run(sender, "ip", "neighbour", "replace", *entry)
    answered: set[str] = set()

    def all_have() -> bool:
        alive = lab.run(sender, "fping", "-a", "-r", "0", "-t", "300", *others, check=False)
        answered.update(others[ip].name for ip in alive.split())
        return answered >= wanted

    eventually(all_have, f"{wanted} answer {sender}")
    return answered


def test_a_machine_reaches_those_in_its_own_vlan(lab: RunningLab) -> None:
    vlans = {machine.name: machine.vlan for machine in lab.config.machines}
    for sender, vlan in vlans.items():
        friends = {name for name in vlans if vlans[name] == vlan and name != sender}
        assert answering(lab, sender, friends) == friends, sender


def received(lab: RunningLab, name: str, ifname: str = HOST_LINK) -> tuple[int, int]:
    """Octets and skbs that came in on a link so far."""
    link = counters.read(lab.ns(name))[ifname]
    return link.rx_bytes, link.rx_packets


@pytest.mark.parametrize(("client", "server"), [VLAN_5, VLAN_5[::-1]])
def test_tcp_in_a_vlan_crosses_the_switch_as_superframes(lab: RunningLab, client: str, server: str) -> None:
    target = next(address(machine) for machine in lab.config.machines if machine.name == server)
    octets, skbs = received(lab, server)
    end = iperf3(lab, client, server, target, "-n", "150000000")
    octets, skbs = (now - before for now, before in zip(received(lab, server), (octets, skbs), strict=True))
    assert end["sum_received"]["bytes"] > 100e6
    assert lab.run(server, "nstat", "-asz", "TcpInCsumErrors").split()[-2] == "0"
    assert octets > 5 * 1514 * skbs


def test_status_names_every_host_with_its_namespace(lab: RunningLab) -> None:
    status = lab.call("status")
    assert status["wire"] == {
        "namespace": lab.ns("ext"),
        "rate": None,
        "interface": None,
        "bridge": None,
    }
    assert {row["name"]: (row["namespace"], row["vlan"]) for row in status["outside"]} == {
        "web": (lab.ns("web"), 5),
        "mail": (lab.ns("mail"), 6),
        "print": (lab.ns("print"), None),
    }


def test_a_host_alone_outside_lives_at_the_end_of_the_wire(tmp_path: Path) -> None:
    with running(ONE_HOST, tmp_path) as lab:
        lab.run("vm1", "ping", "-c", "1", "-W", "5", "10.0.0.254")
        assert [row["namespace"] for row in lab.call("status")["outside"]] == [lab.ns("ext")]


def test_without_offloads_a_host_sends_no_superframes(tmp_path: Path) -> None:
    with running(LAB + "[adapter]\noffloads = false\n", tmp_path) as lab:
        iperf3(lab, "print", "vm3", "10.0.0.3", "-n", "20M")
        octets, skbs = received(lab, "nic", WIRE)
        assert octets <= 1514 * skbs


def test_the_hosts_of_a_killed_lab_are_removed_with_it(tmp_path: Path) -> None:
    name = f"gone{os.getpid() % 100_000}"
    file = tmp_path / f"{name}.toml"
    file.write_text(f'prefix = "{name}-"\n{LAB}')
    config = parse(file.read_text(), name)
    with started(file) as daemon:
        daemon.send_signal(signal.SIGKILL)
        daemon.wait(DEADLINE)
    (record,) = [record for record in runtime.records() if record.lab == name]
    assert {config.namespace(host) for host in config.outside} < set(record.namespaces)
    eventually(lambda: not runtime.running(name), "the daemon's lock is free")
    runtime.clean(record)
    assert not any(map(namespace.exists, record.namespaces))
