"""Frames from the wire of every kind that the sorter has to judge, tunnels included, drawn from a seed."""

import struct
from random import Random

MACS = [bytes.fromhex(f"0200000000{number:02x}") for number in range(1, 7)]
UNKNOWN = bytes.fromhex("020000000099")
OUTSIDE = bytes.fromhex("0200000000fe")
NOBODY = bytes(6)
GROUPS = [b"\xff" * 6, bytes.fromhex("01005e000001")]
VXLAN_PORT = 8472


def any_frame(random: Random) -> bytes:
    """A frame to one of MACS, to somebody else or to a group."""
    destination = random.choice([*MACS, *MACS, UNKNOWN, NOBODY, *GROUPS])
    source = random.choice([OUTSIDE] * 12 + [bytes.fromhex("03000000000a")])
    kind, content = _packet(random, depth=2)
    frame = destination + source + _tags(random) + struct.pack("!H", kind) + content
    return frame.ljust(14 + 54, b"\0") if random.random() < 0.9 else frame


def _payload(random: Random, protocol: int, depth: int) -> bytes:
    """What a packet carries: mostly a tunnel where there can be one, at most `depth` inside each other."""
    if protocol == 17 and depth and random.random() < 0.6:
        flags = random.choice([8, 8, 8, 8, 0x0C, 0])
        port = random.choice([VXLAN_PORT] * 6 + [4789, 0])
        udp = struct.pack("!4H", random.getrandbits(16), port, 0, 0)
        return _cut(random, udp + bytes([flags]) + random.randbytes(7) + _carried(random, depth - 1))
    if protocol == 47 and depth:
        flags = random.choice([0x2000] * 6 + [0x3000, 0xA000, 0xB000, 0, 0x6000, 0x2001])
        kind = random.choice([0x6558] * 9 + [0x0800])
        words = 4 * (flags & 0xB000).bit_count()
        gre = struct.pack("!HH", flags, kind) + random.randbytes(words)
        return _cut(random, gre + _carried(random, depth - 1))
    return random.randbytes(random.choice([0, 3, 4, 20, 60]))


def _carried(random: Random, depth: int) -> bytes:
    kind, content = _packet(random, depth)
    return random.randbytes(12) + _tags(random) + struct.pack("!H", kind) + content


def _cut(random: Random, octets: bytes) -> bytes:
    return octets[: random.randrange(len(octets))] if random.random() < 0.05 else octets


def _packet(random: Random, depth: int) -> tuple[int, bytes]:
    kind, body = random.choice([(0x0800, ipv4), (0x86DD, _ipv6)])
    content = body(random, depth)
    if random.random() < 0.05:
        kind = random.choice([0x0806, 0x88B5, 0x9100])
    return kind, content


def _tags(random: Random) -> bytes:
    return b"".join(
        struct.pack(
            "!HH", random.choice([0x8100, 0x8100, 0x88A8]), random.choice([0, 5, 5, 7, 0xE005, 9, 4095])
        )
        for _ in range(random.choice([0, 0, 0, 1, 1, 2, 3]))
    )


def ipv4(random: Random, depth: int) -> bytes:
    """An IPv4 packet that now and then lies; depth: tunnels that may lie inside each other."""
    options = bytes(4 * random.choice([0, 0, 0, 0, 1, 5, 10]))
    protocol = random.choice([6, 6, 17, 17, 1, 47])
    payload = _payload(random, protocol, depth)
    total = 20 + len(options) + len(payload)
    lie = random.choice([0] * 20 + [-1, 1, 7, -30, 2000])
    fragment = random.choice([0x4000] * 6 + [0, 0x2000, 0x0007, 0x2001])
    ihl = random.choice([5 + len(options) // 4] * 12 + [4, 15])
    header = struct.pack(
        "!BBHHHBBH", 0x40 | ihl, 0, max(0, total + lie), random.getrandbits(16), fragment, 64, protocol, 0
    )
    return header + random.randbytes(8) + options + payload + bytes(random.choice([0, 0, 6]))


def _ipv6(random: Random, depth: int) -> bytes:
    following = random.choice([6, 6, 17, 17, 47, 58, 0, 43, 44, 51, 60, 59])
    payload = _payload(random, following, depth)
    for _ in range(random.choice([0, 0, 0, 0, 0, 1, 1, 2, 3, 9])):
        following, payload = _extended(random, following, payload)
    lie = random.choice([0] * 20 + [-1, 1, 2000])
    header = struct.pack("!IHBB", 0x60000000, max(0, len(payload) + lie), following, 64)
    return header + random.randbytes(32) + payload


def _extended(random: Random, following: int, payload: bytes) -> tuple[int, bytes]:
    """A payload behind an extension header that now and then lies about its length."""
    kind = random.choice([0, 43, 43, 44, 51, 60, 60])
    body = {
        0: bytes(6),
        43: random.choice([b"\x02\x01" + random.randbytes(20), b"\x04" + random.randbytes(5)]),
        44: random.choice([bytes(6), random.randbytes(6)]),
        51: random.randbytes(10),
        60: random.choice([b"\x01\x04" + bytes(4), b"\x01\x02\x00\x00\xc9\x10" + random.randbytes(16)]),
    }[kind]
    units = len(body) // 4 if kind == 51 else (len(body) + 2) // 8 - 1
    lie = random.choice([0] * 30 + [1, 200])
    return kind, bytes([following, min(255, units + lie) if kind != 44 else 0]) + body + payload
