"""How a request ended."""

from enum import StrEnum
from typing import Final


class Status(StrEnum):
    """By its NDIS name (ntddndis.h)."""

    SUCCESS = "NDIS_STATUS_SUCCESS"
    FAILURE = "NDIS_STATUS_FAILURE"
    NOT_ACCEPTED = "NDIS_STATUS_NOT_ACCEPTED"
    INVALID_PARAMETER = "NDIS_STATUS_INVALID_PARAMETER"
    RESOURCES = "NDIS_STATUS_RESOURCES"
    NOT_SUPPORTED = "NDIS_STATUS_NOT_SUPPORTED"
    INVALID_LENGTH = "NDIS_STATUS_INVALID_LENGTH"
    INVALID_DATA = "NDIS_STATUS_INVALID_DATA"
    FILE_NOT_FOUND = "NDIS_STATUS_FILE_NOT_FOUND"
    NO_QUEUES = "NDIS_STATUS_NO_QUEUES"


# What a request gets that needs one object more than there are. NDIS prints none: FAILURE is as likely.
NO_SLOT: Final = Status.RESOURCES
