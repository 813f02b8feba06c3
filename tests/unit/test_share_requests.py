"""A VPort's share of the transmitter: kept as the chip keeps it, or refused."""

from tests.unit.builders import LAB, SMALL, accept, adapter, refuse
from vmdqemu.nic.adapter import SetShare, Status
from vmdqemu.nic.share import ARBITERS, Share

PLAIN = adapter(*LAB, model=SMALL._replace(arbiter=ARBITERS["82575"]))


def test_a_share_is_kept_as_the_model_settles_it() -> None:
    asked = Share(weight=3)
    kept = accept(adapter(*LAB), SetShare(2, asked)).vports[2].share
    assert kept == SMALL.arbiter.settle(asked)


def test_an_unknown_vport_has_no_share_to_set() -> None:
    assert refuse(adapter(*LAB), SetShare(9, Share())) is Status.INVALID_PARAMETER


def test_a_share_that_no_chip_can_keep_is_refused() -> None:
    assert refuse(PLAIN, SetShare(1, Share(strict=True))) is Status.INVALID_PARAMETER
    assert refuse(PLAIN, SetShare(1, Share(rate=100.0))) is Status.INVALID_PARAMETER
