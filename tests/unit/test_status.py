"""Statuses: every one has a name that ntddndis.h knows."""

from vmdqemu.nic.status import Status


def test_a_status_is_its_ndis_name() -> None:
    assert all(status.value == f"NDIS_STATUS_{status.name}" for status in Status)
    assert f"{Status.NO_QUEUES}: refused" == "NDIS_STATUS_NO_QUEUES: refused"
