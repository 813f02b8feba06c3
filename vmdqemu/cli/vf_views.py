"""VFs for the eye."""

from vmdqemu.cli import table
from vmdqemu.daemon.control import Document


def show_vfs(document: Document) -> None:
    """Whose each VF is and on what terms, by the words of `ip link show`; then what crossed it.

    CPU: that takes in what it sends, its interrupt affinity.
    """
    rows = [
        (
            str(vf["vf"]),
            vf["vm"],
            vf["mac"],
            "-" if vf["vlan"] is None else str(vf["vlan"]),
            _on(vf["trust"]),
            _on(vf["spoofchk"]),
            "-" if vf["rate"] is None else f"{vf['rate']:g}",
            "-" if vf["processor"] is None else str(vf["processor"]),
        )
        for vf in document["vfs"]
    ]
    if not rows:
        print("no VM has a VF; give it one: vmdqemu vf add VM")
        return
    table.show(("VF", "VM", "mac", "vlan", "trust", "spoofchk", "Mbit/s", "CPU"), rows)
    print()
    show_traffic(document)


def show_traffic(document: Document) -> None:
    """What each VF sent and received, in wire frames, and what the switch dropped of it."""
    rows = [
        (
            str(vf["vf"]),
            vf["vm"],
            vf["sent"]["wire_frames"],
            vf["received"]["wire_frames"],
            vf["sent"]["octets"] * 8 / 1e9,
            vf["received"]["octets"] * 8 / 1e9,
            sum(vf["drops"].values()),
        )
        for vf in document["vfs"]
    ]
    if rows:
        table.show(("VF", "VM", "sent", "received", "Gbit sent", "Gbit recvd", "drops"), rows)
    for vf in document["vfs"]:
        for reason, frames in vf["drops"].items():
            print(f"dropped from VF {vf['vf']}: {frames:,} {reason}")


def _on(flag: bool | None) -> str:
    return "-" if flag is None else "on" if flag else "off"
