"""Loads compiled eBPF objects and attaches them to links, through libbpf.

A loaded object is ours until `close`. A program that is attached lives on with its link, and so do its maps;
one that only serves a link is off it when we are gone, however we went.
"""

import ctypes
import errno
import os
from collections.abc import Mapping
from contextlib import suppress
from enum import IntEnum
from pathlib import Path
from struct import Struct
from typing import Any, Final, NamedTuple, Self

from netns import links, namespace
from vmdqemu.errors import Missing

HERE: Final = Path(__file__).parent

_KEY = Struct("=I")
_FD = Struct("=i")
_HASH = 1  # BPF_MAP_TYPE_HASH


class Hook(IntEnum):
    """Where on a link a program runs (enum bpf_attach_type)."""

    INGRESS = 46  # BPF_TCX_INGRESS
    EGRESS = 47


class Attachment(NamedTuple):
    """A program on a link."""

    ns: str
    ifindex: int
    hook: Hook
    program: int  # its descriptor


class Map(NamedTuple):
    """A map; 32-bit keys unless said otherwise."""

    fd: int
    library: Any

    def lead_to(self, records: Mapping[bytes, bytes], most: int) -> None:
        """Have the one place of an array of maps lead to records of one size. Raises OSError.

        They are written into a new hash map, which takes effect with one write: when that returns, after a
        grace period of the kernel (some 10 ms), no program reads those before. most: as the program says.
        """
        key, value = next(iter(records.items()))
        fd = self.library.bpf_map_create(_HASH, None, len(key), len(value), most, None)
        _check(fd, "make a BPF map")
        try:
            fresh = Map(fd, self.library)
            for key, value in records.items():
                fresh.set(key, value)
            self.write(0, _FD.pack(fd))
        finally:
            os.close(fd)

    def set(self, key: bytes, value: bytes) -> None:
        """Set an entry by the octets of its key. Raises OSError."""
        number = self.library.bpf_map_update_elem(self.fd, key, value, ctypes.c_uint64(0))
        _check(number, "write a BPF map")

    def write(self, key: int, value: bytes) -> None:
        """Set an entry. Raises OSError."""
        self.set(_KEY.pack(key), value)

    def remove(self, key: int) -> None:
        """Have no entry; nothing to do if there is none. Raises OSError."""
        number = self.library.bpf_map_delete_elem(self.fd, _KEY.pack(key))
        if number != -errno.ENOENT:
            _check(number, "delete from a BPF map")

    def read(self, key: int, layout: Struct) -> tuple[int, ...]:
        """An entry. Raises OSError."""
        value = ctypes.create_string_buffer(layout.size)
        _check(self.library.bpf_map_lookup_elem(self.fd, _KEY.pack(key), value), "read a BPF map")
        return layout.unpack(value.raw)

    def read_per_cpu(self, key: int, layout: Struct) -> list[tuple[int, ...]]:
        """An entry of a per-CPU map, one value a possible CPU. layout: a multiple of 8 octets."""
        values = ctypes.create_string_buffer(layout.size * self.library.libbpf_num_possible_cpus())
        _check(self.library.bpf_map_lookup_elem(self.fd, _KEY.pack(key), values), "read a BPF map")
        return list(layout.iter_unpack(values.raw))


class BpfObject:
    """One object file's programs and maps, loaded into the kernel."""

    def __init__(self, name: str) -> None:
        """name: of the file without `.bpf.o`. Raises Missing if it cannot be loaded here."""
        self.library = _libbpf()
        self._serving: list[int] = []  # BPF links
        path = HERE / f"{name}.bpf.o"
        if not path.exists():
            raise Missing(f"{path.name} is not compiled", "run scripts/setup")
        self._object = self.library.bpf_object__open(str(path).encode())
        if not self._object:
            raise Missing(f"{path.name} cannot be read by libbpf", "run scripts/setup")
        number = self.library.bpf_object__load(self._object)
        if number != 0:
            self.close()
            cure = "run as root" if os.geteuid() else "use a kernel with CONFIG_BPF_SYSCALL"
            raise Missing(f"the kernel refuses {path.name}: {os.strerror(-number)}", cure)

    def map(self, name: str) -> Map:
        """A map by its name in the source."""
        fd = self.library.bpf_object__find_map_fd_by_name(self._object, name.encode())
        _check(fd, f"find map {name}")
        return Map(fd, self.library)

    def program(self, name: str) -> int:
        """A program's file descriptor, by its name in the source."""
        found = self.library.bpf_object__find_program_by_name(self._object, name.encode())
        if not found:
            raise LookupError(f"no program {name}")
        return int(self.library.bpf_program__fd(found))

    def attach(self, program: str, ns: str, ifname: str, hook: Hook) -> Attachment:
        """Run a program on a link from now on; it goes with the link. Raises OSError, Missing."""
        where = Attachment(ns, links.index(ns, ifname), hook, self.program(program))
        self._put_on(self.library.bpf_prog_attach, where, f"attach {program} to {ifname}")
        return where

    def serve(self, program: str, ns: str, ifname: str, hook: Hook) -> None:
        """Run a program on a link that is not ours, until `close` or our end. Raises OSError, Missing."""
        where = Attachment(ns, links.index(ns, ifname), hook, self.program(program))
        link = self._put_on(self.library.bpf_link_create, where, f"attach {program} to {ifname}")
        self._serving.append(link)

    def _put_on(self, call: Any, where: Attachment, doing: str) -> int:
        """What the call returns; its last parameter, flags or options, has none."""
        with namespace.entered(where.ns):
            number: int = call(where.program, where.ifindex, where.hook, None)
        if number == -errno.EINVAL:
            raise Missing("this kernel runs no eBPF programs on links (tcx)", "use Linux 6.6 or later")
        _check(number, doing)
        return number

    def detach(self, attachment: Attachment) -> None:
        """Run it there no more; nothing to do if the link is gone. Raises OSError."""
        with suppress(namespace.NamespaceMissing), namespace.entered(attachment.ns):
            number = self.library.bpf_prog_detach2(attachment.program, attachment.ifindex, attachment.hook)
            if -number not in (errno.ENODEV, errno.ENOENT):  # without its link, or off already
                _check(number, "detach a program")

    def close(self) -> None:
        """Give the object up."""
        while self._serving:
            os.close(self._serving.pop())
        self.library.bpf_object__close(self._object)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _check(number: int, doing: str) -> None:
    if number < 0:
        raise OSError(-number, f"cannot {doing}: {os.strerror(-number)}")


def _libbpf() -> Any:
    try:
        library = ctypes.CDLL("libbpf.so.1", use_errno=True)
    except OSError:
        raise Missing(
            "libbpf is not installed", "run scripts/setup (Debian: apt-get install libbpf1)"
        ) from None
    library.libbpf_set_print(None)
    for name in ("bpf_object__open", "bpf_object__find_program_by_name"):
        getattr(library, name).restype = ctypes.c_void_p
    for name in ("bpf_object__load", "bpf_object__close", "bpf_program__fd"):
        getattr(library, name).argtypes = [ctypes.c_void_p]
    for name in ("bpf_object__find_program_by_name", "bpf_object__find_map_fd_by_name"):
        getattr(library, name).argtypes = [ctypes.c_void_p, ctypes.c_char_p]
    return library
