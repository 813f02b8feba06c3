"""The books balance exactly, or the check says which side is short."""

from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import pytest

from netns import counters as kernel_counters
from tests.unit.plants import NO_FRAMES, Kernel, counters, plant
from vmdqemu.daemon import law
from vmdqemu.daemon.plant import Plant
from vmdqemu.datapath.eswitch import Books, Direction, End, Eswitch, Plugged
from vmdqemu.datapath.inbox import INBOX
from vmdqemu.datapath.shm import RING_OFFSET, Counters
from vmdqemu.nic.counters import Check, DropReason, RingCounter
from vmdqemu.nic.disciplines import BUDGET_FRAMES

LAB = 'vm = [{ name = "vm1" }, { name = "vm2", queues = 2 }]'
VM1, VM2 = 1, 2


@pytest.fixture
def built() -> Plant:
    return plant(LAB)


@pytest.fixture
def books(built: Plant) -> Counters:
    return counters(built)


@pytest.fixture
def kernel(built: Plant, monkeypatch: pytest.MonkeyPatch) -> Kernel:
    kernel = Kernel(built)
    monkeypatch.setattr(kernel_counters, "read", kernel.read)
    return kernel


def book(
    books: Counters, port: int, counter: RingCounter | DropReason, count: int, *, worker: int = 0
) -> None:
    """Count frames on a port's first ring."""
    books.cells[books.layout.ring_cell(worker, port, 0) + RING_OFFSET[counter]] += count


def checks_of(built: Plant, books: Counters, crashes: int = 0) -> list[Check]:
    """Every equation."""
    inboxes = books.port(INBOX, len(built.inboxes))
    return law.checks(built, law.read(built, books, crashes), inboxes, books.closed_books)


def broken(built: Plant, books: Counters, *, crashes: int = 0) -> list[str]:
    """Names of the equations that do not hold."""
    checks = checks_of(built, books, crashes)
    return [check.name for check in checks if not check.holds]


def deliver(books: Counters, kernel: Kernel) -> None:
    """Ten frames read of vm1: seven for vm2, two dropped, one copied to vm2 and back."""
    kernel.set("vm1", tx_packets=10, rx_packets=1)
    kernel.set("vm2", rx_packets=8)
    book(books, VM1, RingCounter.READS, 10)
    book(books, VM1, RingCounter.COPIES, 1)
    book(books, VM1, DropReason.ANTI_SPOOF_MAC, 2)
    book(books, VM1, RingCounter.WRITES, 1)
    book(books, VM2, RingCounter.WRITES, 5)
    book(books, VM2, RingCounter.WRITES, 3, worker=1)


def test_nothing_balances_nothing(built: Plant, books: Counters, kernel: Kernel) -> None:
    assert kernel
    assert len(checks_of(built, books)) == 5
    assert broken(built, books) == []


def test_frames_that_are_accounted_for_balance(built: Plant, books: Counters, kernel: Kernel) -> None:
    deliver(books, kernel)
    assert broken(built, books) == []
    vm1, vm2 = law.read(built, books, 0)
    assert (vm1.drops, vm2.drops) == ({"anti_spoof_mac": 2}, {})


@pytest.mark.parametrize(
    ("counter", "port", "equations"),
    [
        (RingCounter.READS, VM1, ["vm1: tx_packets = reads", "core"]),
        (RingCounter.WRITES, VM2, ["vm2: rx_packets = writes", "core"]),
        (RingCounter.COPIES, VM1, ["core"]),
        (DropReason.OVERSIZE, VM2, ["core"]),
    ],
)
def test_one_frame_too_many_is_seen(
    counter: RingCounter | DropReason,
    port: int,
    equations: list[str],
    built: Plant,
    books: Counters,
    kernel: Kernel,
) -> None:
    deliver(books, kernel)
    book(books, port, counter, 1)
    found = [name.replace(": reads + copies = writes + drops", "") for name in broken(built, books)]
    assert found == equations


def test_a_crash_accounts_for_what_was_read_and_not_booked(
    built: Plant, books: Counters, kernel: Kernel
) -> None:
    deliver(books, kernel)
    kernel.set("vm1", tx_packets=15)  # five more were read, four of them written
    kernel.set("vm2", rx_packets=12)
    assert broken(built, books) == [
        "vm1: tx_packets = reads",
        "vm2: rx_packets = writes",
    ]
    assert broken(built, books, crashes=1) == []
    assert [entry.lost_in_crash for entry in law.read(built, books, 1)] == [5, 0]


def test_a_crash_excuses_no_more_than_its_bursts(built: Plant, books: Counters, kernel: Kernel) -> None:
    kernel.set("vm2", rx_packets=2 * BUDGET_FRAMES)
    assert broken(built, books, crashes=1) == []
    kernel.set("vm2", rx_packets=2 * BUDGET_FRAMES + 1)
    assert broken(built, books, crashes=1) == ["vm2: rx_packets = writes"]


@pytest.mark.parametrize("whole_namespace", [True, False])
def test_a_removed_device_takes_its_two_equations_along(
    whole_namespace: bool, built: Plant, books: Counters, kernel: Kernel
) -> None:
    deliver(books, kernel)
    if whole_namespace:
        del kernel.links["vm2"]
    else:
        kernel.links["vm2"].clear()
    checks = checks_of(built, books)
    assert [check.name.partition(":")[0] for check in checks] == ["vm1", "vm1", "core"]
    assert all(check.holds for check in checks)
    assert [entry.lost_in_crash for entry in law.read(built, books, 1)] == [0, 0]


def test_a_frame_that_was_handed_over_is_taken_once(kernel: Kernel) -> None:
    built = plant(LAB, processors=2)
    books = counters(built)
    assert kernel
    assert checks_of(built, books)[-1].name == "inboxes: writes = reads"
    kernel.set("vm1", tx_packets=1)
    book(books, VM1, RingCounter.READS, 1)
    book(books, INBOX, RingCounter.WRITES, 1)
    assert broken(built, books) == ["inboxes: writes = reads"]
    book(books, INBOX, RingCounter.READS, 1, worker=1)
    kernel.set("vm2", rx_packets=1)
    book(books, VM2, RingCounter.WRITES, 1, worker=1)
    assert broken(built, books) == []


def test_what_a_vm_that_is_gone_sent_and_received_stays_in_the_core(
    built: Plant, books: Counters, kernel: Kernel
) -> None:
    deliver(books, kernel)
    built.ports = built.ports[:1]
    assert broken(built, books) == ["core: reads + copies = writes + drops"]
    books.close_books(VM2, rings=2)
    assert broken(built, books) == []


def books_of(entered: int, left: int, **drops: int) -> Books:
    """What one port of the eswitch counted; of drops the reason and how often."""
    counted = {DropReason(reason): count for reason, count in drops.items()}
    none = Direction()
    return Books(Direction(entered), Direction(left), none, none, 0, 0, counted)


@pytest.mark.parametrize(
    ("cable", "short"),
    [
        ((12, 11), []),
        ((13, 11), ["VF 1: vf1 rx_packets = eswitch"]),
        ((12, 12), ["VF 1: vf0 rx_packets = eswitch"]),
    ],
)
def test_a_vfs_cable_carried_what_the_eswitch_counted_since_it_is_plugged(
    cable: tuple[int, int], short: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """cable: packets received at its near end, and in the VM."""
    near, far = (NO_FRAMES._replace(rx_packets=count) for count in cable)
    links = {"nic": {"vf1": near}, "vm1": {"vf0": far}}
    monkeypatch.setattr(kernel_counters, "read", lambda ns: links[ns])
    plugged = Plugged(End("nic", "vf1"), End("vm1", "vf0"), books_of(3, 4), 1)
    ports = [books_of(10, 8), books_of(0, 0), books_of(15, 15, anti_spoof_mac=2)]
    switch = SimpleNamespace(all_books=ports, plugged={1: plugged}, counters=lambda _: ports[-1])
    checks = law.eswitch_checks(cast(Eswitch, switch))
    assert [check.name for check in checks if not check.holds] == short


def test_a_frame_that_the_eswitch_lost_is_missed() -> None:
    switch = SimpleNamespace(all_books=[books_of(10, 8), books_of(0, 1)], plugged={})
    (check,) = law.eswitch_checks(cast(Eswitch, switch))
    assert (check.left, check.right, check.holds) == (10, 9, False)


def test_the_books_of_a_vm_that_moved_begin_where_those_of_its_last_lab_end(
    built: Plant, books: Counters, kernel: Kernel
) -> None:
    deliver(books, kernel)
    kernel.set("vm1", tx_packets=110, rx_packets=21)
    before = {str(RingCounter.READS): 100, str(RingCounter.WRITES): 20}
    assert broken(built, books) == ["vm1: tx_packets = reads", "vm1: rx_packets = writes"]
    built.replace(replace(built.ports[0], books=before))
    assert broken(built, books) == []
    assert law.read(built, books, 0)[0].totals["reads"] == 110


def test_of_a_vm_whose_last_lab_was_killed_only_what_is_here_is_known(
    built: Plant, books: Counters, kernel: Kernel
) -> None:
    deliver(books, kernel)
    kernel.set("vm1", tx_packets=110, rx_packets=21)
    built.replace(replace(built.ports[0], books=None))
    assert broken(built, books) == []
    assert "vm1: tx_packets = reads" not in [check.name for check in checks_of(built, books)]
