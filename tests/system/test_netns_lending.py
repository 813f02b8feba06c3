"""A link of the machine's own is lent and comes home as it was, whoever gives it back."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from netns import lending, links, namespace
from netns.errors import NetnsError
from netns.lab import Lab
from netns.loan import Loan
from tests.system.harness import eventually

pytestmark = pytest.mark.system

HOME, LAB, FAR = (f"loan{os.getpid()}-{name}" for name in ("home", "lab", "far"))
NIC = "eth1"
WANTED = {"generic-receive-offload": False, "rx-gro-list": False}


@pytest.fixture
def lab() -> Iterator[Lab]:
    """A machine with a NIC, up and with GRO, and the namespace of a lab."""
    with Lab() as lab:
        for ns in (HOME, LAB, FAR):
            lab.namespace(ns)
        lab.veth(HOME, NIC, FAR, "eth0", mtu=1400)
        namespace.run(HOME, ["ethtool", "-K", NIC, "gro", "on"])
        for ns, ifname in ((FAR, "eth0"), (HOME, NIC)):
            links.up(ns, ifname)
        eventually(lambda: shown(HOME)["operstate"] == "UP", "the kernel has seen the carrier")
        yield lab


def shown(ns: str) -> dict[str, Any]:
    link: dict[str, Any] = json.loads(namespace.run(ns, ["ip", "-j", "link", "show", NIC]).stdout)[0]
    return {key: link[key] for key in ("flags", "mtu", "address", "operstate")}


def gro(ns: str) -> bool:
    return "generic-receive-offload: on" in namespace.run(ns, ["ethtool", "-k", NIC]).stdout


def asked() -> Loan:
    return lending.ask(HOME, NIC, LAB, WANTED)


@pytest.mark.usefixtures("lab")
def test_a_link_comes_home_as_it_was() -> None:
    before = shown(HOME)
    with Lab() as borrower:
        borrower.borrow(asked())
        with pytest.raises(links.LinkMissing):
            links.index(HOME, NIC)
        assert not gro(LAB)
        links.up(LAB, NIC, mtu=1300)
    eventually(lambda: shown(HOME) == before, "all is as it was")  # its operstate comes after the carrier
    assert gro(HOME)


@pytest.mark.usefixtures("lab")
def test_a_link_that_was_down_comes_home_down() -> None:
    namespace.run(HOME, ["ip", "link", "set", NIC, "down"])
    with Lab() as borrower:
        borrower.borrow(asked())
        links.up(LAB, NIC)
    assert not links.look(HOME, NIC).up


@pytest.mark.usefixtures("lab")
def test_only_what_is_otherwise_at_home_is_changed() -> None:
    assert asked().features == {"generic-receive-offload": True}


@pytest.mark.usefixtures("lab")
def test_a_link_is_given_back_once() -> None:
    loan = asked()
    lending.give_back(loan)
    lending.take(loan)
    for _ in range(2):
        lending.give_back(loan)
    assert links.look(HOME, NIC).up


@pytest.mark.usefixtures("lab")
def test_a_link_whose_home_cannot_be_found_from_here_is_kept_safe() -> None:
    """Its namespace lost its name, but a process lives in it."""
    loan = asked()
    lending.take(loan)
    with namespace.start(HOME, ["sh", "-c", "echo ready; sleep 60"], stdout=subprocess.PIPE) as tenant:
        assert tenant.stdout is not None
        tenant.stdout.readline()
        namespace.remove(HOME)
        with pytest.raises(NetnsError, match="eth1 came from another namespace: do this there"):
            lending.give_back(loan)
        assert links.look(LAB, NIC)
        os.killpg(tenant.pid, signal.SIGKILL)


@pytest.mark.usefixtures("lab")
@pytest.mark.parametrize(
    ("use", "refusal"),
    [
        (
            f"ip address add 192.0.2.1/24 dev {NIC}",
            "eth1 has the address 192.0.2.1/24, which nobody would reach any more: "
            "`ip address del 192.0.2.1/24 dev eth1`, or use another interface",
        ),
        (
            f"ip link add br0 type bridge && ip link set {NIC} master br0",
            "eth1 is a port of br0: `ip link set eth1 nomaster` takes it out",
        ),
        (f"ip link del {NIC}", "no interface 'eth1' here: `ip link` lists those there are"),
    ],
)
def test_a_link_that_the_machine_needs_is_refused(use: str, refusal: str) -> None:
    namespace.run(HOME, ["sh", "-c", use])
    with pytest.raises(NetnsError) as caught:
        asked()
    assert refusal in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("lab")
def test_the_loopback_is_refused() -> None:
    with pytest.raises(lending.InUse, match="loopback: name a NIC"):
        lending.ask(HOME, "lo", LAB, {})
