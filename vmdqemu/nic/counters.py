"""What is counted: the rows that the data path keeps, why a frame is dropped, and the law they obey."""

from enum import StrEnum
from typing import NamedTuple


class DropReason(StrEnum):
    """Why a frame was not delivered. Names follow the datasheets and devlink-trap where they have one."""

    TOO_SHORT = "too_short"  # no whole Ethernet header
    TRUNCATED_TAG = "truncated_tag"  # a TPID without its TCI
    RESERVED_VID = "reserved_vid"  # VID 4095 (IEEE 802.1Q 9.6)
    OVERSIZE = "oversize"  # longer than the port's largest frame, tags apart
    SOURCE_MAC_IS_MULTICAST = "source_mac_is_multicast"
    PACKET_FILTER = "packet_filter"  # no filter matched, and the packet filter does not accept it
    L2_ADMISSION = "l2_admission"  # the port does not let the destination in (X550 7.1.2.1)
    VLAN_ADMISSION = "vlan_admission"  # nor the VLAN (X550 7.1.2.2)
    NO_POOL = "no_pool"  # no pool gets it, and it may not leave (X550 7.8.3.3.1 step 14)
    VFRE_OFF = "vfre_off"  # every pool that would get it has its receiver off
    QUEUE_DISABLED = "queue_disabled"  # its VPort's transmitter is off: it waits in the ring
    ANTI_SPOOF_MAC = "anti_spoof_mac"  # source MAC is not the VPort's (X550 7.8.4)
    TAG_NOT_ALLOWED = "tag_not_allowed"  # the VM sent a tag on a port VLAN (X550 7.8.4)
    ANTI_SPOOF_VLAN = "anti_spoof_vlan"  # tagged for a VLAN that the VPort is not in
    RESERVED_MULTICAST = "reserved_multicast"  # 01:80:c2:00:00:0x stays on its link (802.1Q 8.6.3)
    PORT_LOOPBACK_FILTER = "port_loopback_filter"  # addressed to the VPort that sent it
    WRONG_VLAN = "wrong_vlan"  # the MAC is a VM's, but not in this VLAN
    PORT_LIST_IS_EMPTY = "port_list_is_empty"  # nobody to deliver to
    # What only the data path can see:
    INBOX_FULL = "inbox_full"  # the processor that serves its queue has no room for it
    BAD_VNET_HEADER = "bad_vnet_header"  # offload fields that the receiving kernel refused
    EGRESS_DOWN = "egress_down"  # the receiving interface is down
    EGRESS_GONE = "egress_gone"  # the receiving interface was removed
    EGRESS_ERROR = "egress_error"  # any other refusal of the receiving kernel


class RingCounter(StrEnum):
    """Per kernel ring (a port's channel): what was read from it and written to it.

    One frame is one skb: one read or one write, be it a superframe. `wire` counts the frames of at most one
    MTU that it stands for.
    """

    READS = "reads"
    READ_WIRE = "read_wire"
    READ_OCTETS = "read_octets"
    READ_MULTICAST = "read_multicast"  # of `read_wire`, like the next
    READ_BROADCAST = "read_broadcast"
    DISCARDED_WIRE = "discarded_wire"  # of `read_wire`, what the adapter itself dropped
    DISCARDED_OCTETS = "discarded_octets"
    COPIES = "copies"  # deliveries beyond the first of a frame read here
    LOOKUPS = "lookups"  # frames read here that the vSwitch looked up
    MISSES = "misses"  # frames read here whose verdict was not remembered
    WRITES = "writes"
    WRITE_WIRE = "write_wire"
    WRITE_OCTETS = "write_octets"
    WRITE_MULTICAST = "write_multicast"  # of `write_wire`, like the next
    WRITE_BROADCAST = "write_broadcast"
    SERVICE_NS = "service_ns"  # how long frames read here were in the hands of their reader


class QueueCounter(StrEnum):
    """Per RX queue of the adapter: what the silicon placed in it. Netdev qstats names."""

    RX_PACKETS = "rx-packets"  # wire frames, as netdev.yaml says
    RX_BYTES = "rx-bytes"
    COALESCED = "coalesced"  # held by a packet coalescing filter (OID_PACKET_COALESCING_FILTER_MATCH_COUNT)
    INTERRUPTS = "interrupts"  # how often its processor was woken; not a name of qstats


class Check(NamedTuple):
    """One equation of the law: both sides as they were read."""

    name: str
    left: int
    right: int
    slack: int = 0  # how far the left may be ahead: frames in the hands of workers that were killed

    @property
    def holds(self) -> bool:
        """Whether nothing is missing and nothing was made up."""
        return 0 <= self.left - self.right <= self.slack
