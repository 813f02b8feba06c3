"""The sorter: keeps the eBPF program on pf0 in step with the tables.

`filter_entries` compiles the silicon's half of decide() into what bpf/sorter.bpf.c reads: (MAC, VLAN) -> the
VPort's record with its indirection table in absolute queue numbers. A change fills a new set and writes one
slot: every frame sees one set or the other, and none is lost.
"""

import fcntl
from struct import Struct
from typing import Final

from vmdqemu.bpf.loader import BpfObject, Map
from vmdqemu.nic import rss
from vmdqemu.nic.tables import Tables, VPortTable

_TUNSETSTEERINGEBPF = 0x800454E0
_TUNSETFILTEREBPF = 0x800454E1

_FILTER = Struct("=6sH")
_VPORT = Struct("=4I128s")
_SHARE = Struct("=256I")
_FD = Struct("=i")
_COUNT = Struct("=Q")
_SLOT: Final = 0
MAX_FILTERS: Final = 1024  # as bpf/sorter.bpf.c has it
INPUT_OCTETS: Final = 36


def filter_entries(tables: Tables, key_numbers: dict[bytes, int]) -> dict[bytes, bytes]:
    """The filter set by its key in the map; key_numbers: where each RSS key's byte tables are."""
    return {
        _FILTER.pack(mac, vlan or 0): _record(tables.vports[number], key_numbers)
        for (mac, vlan), number in tables.filters.items()
        if tables.vports[number].queues
    }


def _record(vport: VPortTable, key_numbers: dict[bytes, int]) -> bytes:
    parameters = vport.rss
    if len(vport.queues) == 1 or parameters is None:
        return _VPORT.pack(0, 0, 0, vport.queues[0], b"")
    table = bytes(vport.queues[relative] for relative in parameters.table)
    number = key_numbers[parameters.key]
    unhashed = vport.queues[parameters.default]
    return _VPORT.pack(len(parameters.table) - 1, int(parameters.types), number, unhashed, table)


class Sorter:
    """The program on one pf0. It goes with the TAP."""

    def __init__(self, tables: Tables) -> None:
        """Raises Missing if it cannot be loaded here."""
        self._object = BpfObject("sorter")
        self._keys = self._object.map("keys")
        self._slot = self._object.map("slot")
        self._arrivals = self._object.map("arrivals")
        self._key_numbers: dict[bytes, int] = {}
        self.put(tables)

    def put(self, tables: Tables) -> None:
        """Put other tables in effect."""
        for vport in tables.vports.values():
            if vport.rss is not None:
                self._add_key(vport.rss.key)
        entries = filter_entries(tables, self._key_numbers)
        with Map.new_hash(self._object.library, _FILTER.size, _VPORT.size, MAX_FILTERS) as fresh:
            for key, record in entries.items():
                fresh.set(key, record)
            self._slot.write(_SLOT, _FD.pack(fresh.fd))

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
