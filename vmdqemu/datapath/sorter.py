"""The sorter: keeps the eBPF program on pf0 in step with the tables.

`records` compiles the silicon's half of decide() into what bpf/sorter.bpf.c reads: (MAC, VLAN) -> the VPort's
record with its indirection table in absolute queue numbers; the default VPort's lies under a VLAN that no
frame is in. A change fills a new set and writes one slot: every frame sees one set or the other, and none is
lost.
"""

import fcntl
from struct import Struct
from typing import Final

from vmdqemu.bpf.loader import BpfObject
from vmdqemu.nic import rss
from vmdqemu.nic.packet import NO_PROTOCOL, PROTOCOL_TCP, PROTOCOL_UDP
from vmdqemu.nic.rss import EX_TYPES, WITH_PORTS, HashType, Rss
from vmdqemu.nic.tables import Tables

_TUNSETSTEERINGEBPF = 0x800454E0
_TUNSETFILTEREBPF = 0x800454E1

_FILTER = Struct("=6sH")
_VPORT = Struct("=3I10s2H128s2x")
_SHARE = Struct("=256I")
_FD = Struct("=i")
_COUNT = Struct("=Q")
_DEFAULT: Final = _FILTER.pack(bytes(6), 0xFFFF)  # where bpf/sorter.bpf.c has the default VPort's record
MAX_RECORDS: Final = 1025  # and how many there can be
INPUT_OCTETS: Final = 36


# Rows and columns of what each kind of packet is hashed by, and the bits of one.
_PACKETS: Final = ((4, False), (6, False), (6, True))
_TRANSPORTS: Final = (NO_PROTOCOL, PROTOCOL_TCP, PROTOCOL_UDP)
_HASHED, _PORTS, _HOME = 1, 2, 4


def records(tables: Tables, key_numbers: dict[bytes, int]) -> dict[bytes, bytes]:
    """Each record by its key in the map; key_numbers: where each RSS key's byte tables are."""

    def record(queues: tuple[int, ...], parameters: Rss | None) -> bytes:
        if len(queues) == 1 or parameters is None:
            return _VPORT.pack(0, 0, queues[0], b"", 0, False, b"")
        return _VPORT.pack(
            len(parameters.table) - 1,
            key_numbers[parameters.key],
            queues[parameters.default],
            _hashed(parameters.types),
            tables.tunnels.vxlan_port or 0,
            tables.tunnels.nvgre,
            bytes(queues[relative] for relative in parameters.table),
        )

    owners = {key: vport for number, vport in tables.vports.items() for key in tables.sorted_filters(number)}
    return {
        _DEFAULT: record(tables.default_queues, tables.default_rss),
        **{
            _FILTER.pack(mac, vlan or 0): record(vport.queues, vport.rss)
            for (mac, vlan), vport in owners.items()
            if vport.queues
        },
    }


def _hashed(types: HashType) -> bytes:
    """What the program needs to know of the hash types: for every kind of packet the one that is chosen."""
    chosen = (rss.choose(*kind, protocol, types) for kind in _PACKETS for protocol in _TRANSPORTS)
    return bytes(
        0 if kind is None else _HASHED | _PORTS * (kind in WITH_PORTS) | _HOME * (kind in EX_TYPES)
        for kind in chosen
    )


class Sorter:
    """The program on one pf0. It goes with the TAP."""

    def __init__(self, tables: Tables) -> None:
        """Raises Missing if it cannot be loaded here."""
        self._object = BpfObject("sorter")
        self._keys = self._object.map("keys")
        self._slot = self._object.map("slot")
        self._arrivals = self._object.map("arrivals")
        self._key_numbers: dict[bytes, int] = {}
        self._in_effect: dict[bytes, bytes] = {}
        self.put(tables)

    def put(self, tables: Tables) -> None:
        """Put other tables in effect: when it returns no frame is being sorted by those before.

        What is in effect already is left: the kernel waits at every change.
        """
        for parameters in (tables.default_rss, *(vport.rss for vport in tables.vports.values())):
            if parameters is not None:
                self._add_key(parameters.key)
        written = records(tables, self._key_numbers)
        if written == self._in_effect:
            return
        self._slot.lead_to(written, MAX_RECORDS)
        self._in_effect = written

    def attach(self, fd: int) -> None:
        """Sort what the TAP transmits, from the next frame on. fd: of any of its queues."""
        for request, program in ((_TUNSETFILTEREBPF, "arrive"), (_TUNSETSTEERINGEBPF, "steer")):
            fcntl.ioctl(fd, request, _FD.pack(self._object.program(program)))

    def arrivals(self, queue: int) -> int:
        """Frames that reached a queue's ring, those that found it full included."""
        return sum(count for (count,) in self._arrivals.read_per_cpu(queue, _COUNT))

    def program(self, name: str) -> int:
        """A program's file descriptor."""
        return self._object.program(name)

    def close(self) -> None:
        """Give up our hold; the TAP keeps what is attached to it."""
        self._object.close()

    def _add_key(self, key: bytes) -> None:
        """A new key goes where none is: one that is in use is never rewritten."""
        if key in self._key_numbers:
            return
        number = len(self._key_numbers)
        shares = rss.key_tables(key)[:INPUT_OCTETS]
        self._keys.write(number, b"".join(_SHARE.pack(*share) for share in shares))
        self._key_numbers[key] = number
