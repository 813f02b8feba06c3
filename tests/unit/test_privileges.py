"""Who may build labs is found out before anything is built."""

import os
from pathlib import Path

import pytest

from vmdqemu.daemon import privileges
from vmdqemu.errors import Missing

EVERYTHING = "000001ffffffffff"  # root outside of containers
CONTAINER = "00000000a80425fb"  # root in a container that docker runs with its defaults


def status(capabilities: str) -> str:
    return f"Name:\tpython3\nCapPrm:\t0000000000000000\nCapEff:\t{capabilities}\nCapBnd:\t{EVERYTHING}\n"


@pytest.mark.parametrize(
    ("capabilities", "absent"),
    [
        (EVERYTHING, []),
        (CONTAINER, ["CAP_NET_ADMIN", "CAP_SYS_ADMIN", "CAP_SYS_NICE"]),
        (f"{0x1FFFFFFFFFF & ~(1 << 12):016x}", ["CAP_NET_ADMIN"]),
        ("0" * 16, list(privileges.NEEDED)),
    ],
    ids=["root", "container", "one dropped", "none"],
)
def test_capabilities_that_root_lacks_are_named(capabilities: str, absent: list[str]) -> None:
    assert privileges.lacking(status(capabilities)) == absent


def test_a_plain_user_is_told_to_become_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(Missing, match="need root; run as root, or with sudo"):
        privileges.require()


def test_root_in_a_container_is_told_what_the_container_lacks(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "status"
    file.write_text(status(CONTAINER))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(privileges, "STATUS", file)
    with pytest.raises(Missing, match=r"CAP_NET_ADMIN.*--privileged"):
        privileges.require()


def test_root_with_everything_may(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "status"
    file.write_text(status(EVERYTHING))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(privileges, "STATUS", file)
    privileges.require()
