"""VFs on a terminal."""

import pytest

from vmdqemu.cli import vf_views

VF = {
    "vf": 0,
    "vm": "vm1",
    "mac": "02:00:00:00:00:01",
    "vlan": 10,
    "trust": False,
    "spoofchk": True,
    "rate": 100.0,
    "processor": 1,
    "sent": {"skbs": 1, "wire_frames": 45, "octets": 125_000_000},
    "received": {"skbs": 0, "wire_frames": 0, "octets": 0},
    "drops": {"spoof_check": 3},
}


def test_a_vf_has_its_terms_and_its_traffic(capsys: pytest.CaptureFixture[str]) -> None:
    vf_views.show_vfs({"vfs": [VF]})
    said = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["0", "vm1", VF["mac"], "10", "off", "on", "100", "1"] in said
    assert ["0", "vm1", "45", "0", "1.00", "0.00", "3"] in said
    assert ["dropped", "from", "VF", "0:", "3", "spoof_check"] in said


def test_what_is_not_set_is_a_dash(capsys: pytest.CaptureFixture[str]) -> None:
    unset = dict.fromkeys(("vlan", "rate", "processor", "spoofchk"))
    vf_views.show_vfs({"vfs": [VF | unset]})
    said = capsys.readouterr().out.splitlines()[1].split()
    assert said == ["0", "vm1", VF["mac"], "-", "off", "-", "-", "-"]


def test_without_vfs_it_says_how_to_get_one(capsys: pytest.CaptureFixture[str]) -> None:
    vf_views.show_vfs({"vfs": []})
    vf_views.show_traffic({"vfs": []})
    assert capsys.readouterr().out == "no VM has a VF; give it one: vmdqemu vf add VM\n"
