"""Loaded eBPF programs: what one says of a frame (BPF_PROG_TEST_RUN), and what a link or a slot has."""

import ctypes
import struct
from typing import Any, Final

from netns import links, namespace
from vmdqemu.bpf.loader import Hook, Map

_MAP_ID: Final = struct.Struct("=I")
_CONTEXT_OCTETS = 192  # struct __sk_buff
_MARK, _IFINDEX = 8, 40
_MOST_PROGRAMS: Final = 8  # on one link


class _TestRun(ctypes.Structure):
    _fields_ = (
        ("sz", ctypes.c_size_t),
        ("data_in", ctypes.c_void_p),
        ("data_out", ctypes.c_void_p),
        ("data_size_in", ctypes.c_uint32),
        ("data_size_out", ctypes.c_uint32),
        ("ctx_in", ctypes.c_void_p),
        ("ctx_out", ctypes.c_void_p),
        ("ctx_size_in", ctypes.c_uint32),
        ("ctx_size_out", ctypes.c_uint32),
        ("retval", ctypes.c_uint32),
        ("repeat", ctypes.c_int),
        ("duration", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("cpu", ctypes.c_uint32),
        ("batch_size", ctypes.c_uint32),
    )


_libbpf: Any = ctypes.CDLL("libbpf.so.1")


def run(program: int, frame: bytes, *, mark: int = 0, ifindex: int = 0) -> int:
    """What the program returns. ifindex: of the link, in our network namespace, that the frame came in by.

    A redirect is not carried out; a clone is sent.
    """
    data = ctypes.create_string_buffer(frame, len(frame))
    context = ctypes.create_string_buffer(_CONTEXT_OCTETS)
    struct.pack_into("=I", context, _MARK, mark)
    struct.pack_into("=I", context, _IFINDEX, ifindex)
    options = _TestRun(ctypes.sizeof(_TestRun), ctypes.cast(data, ctypes.c_void_p).value)
    options.data_size_in = len(frame)
    options.ctx_in, options.ctx_size_in = ctypes.cast(context, ctypes.c_void_p).value, _CONTEXT_OCTETS
    assert _libbpf.bpf_prog_test_run_opts(program, ctypes.byref(options)) == 0, frame.hex()
    return int(options.retval)


def accepts(frame: bytes) -> bool:
    """The kernel's test run wants a whole IP header behind an IP EtherType."""
    ethertype = int.from_bytes(frame[12:14], "big")
    return len(frame) >= {0x0800: 34, 0x86DD: 54}.get(ethertype, 14)


def attached(ns: str, ifname: str, *hooks: Hook) -> set[str]:
    """The ids of the programs that a link runs."""
    index, found = links.index(ns, ifname), set[str]()
    for hook in hooks:
        ids, count = (ctypes.c_uint32 * _MOST_PROGRAMS)(), ctypes.c_uint32(_MOST_PROGRAMS)
        with namespace.entered(ns):
            assert _libbpf.bpf_prog_query(index, hook, 0, None, ids, ctypes.byref(count)) == 0
        found |= {str(number) for number in ids[: count.value]}
    return found


def map_in(slot: Map) -> int:
    """The map that an array of maps has in its first place, by the kernel's number for it."""
    return slot.read(0, _MAP_ID)[0]
