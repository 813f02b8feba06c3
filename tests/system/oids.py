"""Requests by OID, and what a lab says of its queues and filters then."""

from typing import Any, Final

from tests.system.harness import RunningLab

SUCCESS: Final = "NDIS_STATUS_SUCCESS"
INVALID: Final = "NDIS_STATUS_INVALID_PARAMETER"


def ask(lab: RunningLab, oid: str, **params: object) -> dict[str, Any]:
    """Put OID_RECEIVE_FILTER_`oid` to the adapter."""
    answer: dict[str, Any] = lab.call(f"OID_RECEIVE_FILTER_{oid}", **params)
    return answer


def status(lab: RunningLab, oid: str, **params: object) -> str:
    """How that request ends."""
    return str(ask(lab, oid, **params)["status"])


def state(lab: RunningLab, queue: int) -> str:
    """A VM queue's, by its name in the driver documentation."""
    rows = ask(lab, "ENUM_QUEUES", caller="application")["answer"]
    return next((row["state"] for row in rows if row["QueueID"] == queue), "UNDEFINED")


def filters_of(lab: RunningLab, queue: int) -> list[int]:
    """The numbers of a VM queue's filters."""
    rows = ask(lab, "ENUM_FILTERS", caller="application")["answer"]
    return [row["FilterId"] for row in rows if row["QueueId"] == queue]


def give_up(lab: RunningLab, queue: int) -> None:
    """Clear a VM queue's filters and free it, whatever state it is in."""
    for number in filters_of(lab, queue):
        assert status(lab, "CLEAR_FILTER", filter=number) == SUCCESS
    if state(lab, queue) != "UNDEFINED":
        assert status(lab, "FREE_QUEUE", queue=queue) == SUCCESS


def carried(lab: RunningLab) -> dict[int, int]:
    """What the silicon placed in each RX queue."""
    return {row["QueueID"]: row["rx-packets"] for row in lab.call("queue.list")["queues"]}
