"""Statistics: each driver's names, FCS where the chip counts it, and registers that forget what was read."""

import pytest

from vmdqemu.nic.models import MODELS
from vmdqemu.nic.statistics import DRIVERS, QueueTraffic, Snapshot, Traffic, VfTraffic

NOW = Snapshot(
    seen=120,
    received=Traffic(100, 10_000, multicast=7, broadcast=3),
    sent=Traffic(50, 5_000, multicast=2, broadcast=1),
    too_long=15,
    too_short=5,
    spoofed={1: 0, 2: 4, 3: 5},
    rx={0: QueueTraffic(40, 4_000, 1), 1: QueueTraffic(60, 6_000, 2)},
    tx={0: QueueTraffic(), 1: QueueTraffic(70, 7_000)},
)
IGB, IXGBE = DRIVERS["82576"], DRIVERS["82599"]


def test_igb_takes_its_totals_from_the_chip_with_fcs() -> None:
    named = IGB.ethtool(NOW)
    assert (named["rx_packets"], named["rx_bytes"]) == (100, 10_000 + 4 * 100)
    assert (named["tx_packets"], named["tx_bytes"]) == (50, 5_000 + 4 * 50)
    assert named["rx_long_byte_count"] == named["rx_bytes"]
    assert (named["rx_multicast"], named["multicast"], named["rx_broadcast"]) == (7, 7, 3)
    assert (named["tx_multicast"], named["tx_broadcast"]) == (2, 1)


def test_ixgbe_adds_its_totals_up_from_its_queues_without_fcs_and_shows_the_chips_beside_them() -> None:
    named = IXGBE.ethtool(NOW)
    assert (named["rx_packets"], named["rx_bytes"]) == (100, 10_000)
    assert (named["tx_packets"], named["tx_bytes"]) == (70, 7_000)
    assert (named["rx_pkts_nic"], named["rx_bytes_nic"]) == (100, 10_400)
    assert (named["tx_pkts_nic"], named["tx_bytes_nic"]) == (50, 5_200)
    assert (named["multicast"], named["broadcast"], named["rx_no_dma_resources"]) == (7, 3, 3)


@pytest.mark.parametrize("driver", [IGB, IXGBE], ids=lambda driver: driver.name)
def test_frames_of_a_wrong_length_are_counted_apart(driver: object) -> None:
    named = IGB.ethtool(NOW) if driver is IGB else IXGBE.ethtool(NOW)
    assert (named["rx_long_length_errors"], named["rx_short_length_errors"]) == (15, 5)
    assert named.get("rx_errors", 20) == named.get("rx_length_errors", 20) == 20


def test_queues_come_last_and_only_igb_has_drops_of_each() -> None:
    queue = ["packets", "bytes"]
    sent = [f"tx_queue_{number}_{name}" for number in (0, 1) for name in queue]
    received = [f"rx_queue_{number}_{name}" for number in (0, 1) for name in queue]
    assert list(IXGBE.ethtool(NOW))[-8:] == sent + received
    assert list(IGB.ethtool(NOW))[-3:] == ["rx_queue_1_packets", "rx_queue_1_bytes", "rx_queue_1_drops"]
    assert [IGB.ethtool(NOW)[f"rx_queue_{number}_drops"] for number in (0, 1)] == [1, 2]


@pytest.mark.parametrize("model", sorted(DRIVERS))
def test_a_register_says_what_came_since_it_was_read(model: str) -> None:
    driver = DRIVERS[model]
    first = driver.read(NOW, Snapshot())
    assert (first["TPR"], first["GPRC"], first["GORC"], first["ROC"]) == (120, 100, 10_400, 15)
    assert set(driver.read(NOW, NOW).values()) == {0}


def test_the_82598_counts_broadcast_as_multicast_too() -> None:
    assert DRIVERS["82598"].read(NOW, Snapshot())["MPRC"] == 10
    assert DRIVERS["82598"].ethtool(NOW)["multicast"] == 7


def test_spoofed_frames_are_a_number_on_the_82599_and_bits_on_the_82576() -> None:
    assert IXGBE.read(NOW, Snapshot())["SSVPC"] == 9
    assert IGB.read(NOW, Snapshot())["WVBR"] == 1 << 2 | 1 << 3
    more = NOW._replace(spoofed={1: 0, 2: 4, 3: 6})
    assert IGB.read(more, NOW)["WVBR"] == 1 << 3


@pytest.mark.parametrize("model", ["82575", "82598"])
def test_chips_without_a_spoof_check_count_none(model: str) -> None:
    assert not {"SSVPC", "WVBR"} & set(DRIVERS[model].registers)


def test_a_vm_that_was_given_anothers_number_begins_at_nothing() -> None:
    successor = NOW._replace(spoofed={2: 1}, tx={0: QueueTraffic(), 1: QueueTraffic(3, 300)})
    more = successor.since(NOW)
    assert more.spoofed == {2: 1}
    assert more.tx[1] == QueueTraffic(3, 300)


def test_every_model_has_the_driver_of_its_name() -> None:
    assert all(model.driver is DRIVERS[name] for name, model in MODELS.items())


def test_an_82576_counts_a_vfs_looped_frames_apart_and_an_82599_does_not() -> None:
    """Row 60 of the chips' features. None of these registers forgets what was read."""
    traffic = VfTraffic(Traffic(7, 700, multicast=2), Traffic(9, 900), Traffic(4, 400), Traffic(3, 300))
    seen = Snapshot(vfs={5: traffic})
    apart, together = (DRIVERS[model].read(seen, seen) for model in ("82576", "82599"))
    assert (apart["VFGPRC(5)"], apart["PFVFGPRLBC(5)"]) == (3, 4)
    assert (apart["VFGPTC(5)"], apart["PFVFGPTLBC(5)"]) == (6, 3)
    assert (together["PVFGPRC(5)"], together["PVFGPTC(5)"], together["PVFMPRC(5)"]) == (7, 9, 2)
    assert together["PVFGORC(5)"] == 700 + 7 * 4
