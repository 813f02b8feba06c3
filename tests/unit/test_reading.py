"""The daemon's documents, for programs as they are and for eyes in 80 columns."""

import json
from typing import Any

import pytest

from vmdqemu.cli import client, reading, table

LONGEST = "a-vm-of-15-char"  # the longest name that a lab file allows
MAC = "02:b3:26:9b:65:e3"
ADDRESSES = ["10.0.0.1/24", "fd00::1/64"]

STATUS: dict[str, Any] = {
    "schema_version": 1,
    "lab": "two",
    "model": "ideal",
    "mode": "off",
    "mtu": 1500,
    "offloads": "checksum, TSO, USO",
    "wire": {"namespace": "ext", "rate": None},
    "outside": [{"name": "ext", "namespace": "ext", "mac": MAC, "vlan": None, "addresses": ADDRESSES[:1]}],
    "vms": [
        {"name": LONGEST, "namespace": LONGEST, "queues": 4, "mac": MAC, "vlan": 10, "addresses": ADDRESSES}
    ],
    "workers": [{"role": "nic", "cpu": 1, "pid": 4711}],
    "spare": False,
    "crashes": 3,
    "gone": [2],
    "vfs": [{"vf": 0, "vm": LONGEST}],
}
VPORTS: dict[str, Any] = {
    "vports": [
        {"vport": 0, "name": "default", "queues": [0], "filters": []},
        {"vport": 1, "name": LONGEST, "queues": [1, 2, 3, 4], "filters": [{"mac": MAC, "vlan": 10}]},
    ]
}
QUEUES: dict[str, Any] = {
    "queues": [
        {
            "QueueID": 101,
            "MacAddress": MAC,
            "VlanID": 4094,
            "Processor": "0:0",
            "VmFriendlyName": LONGEST,
            "moderation": "adaptive",
            "interrupts": 999_999_999,
            "rx-packets": 999_999_999,
            "rx-bytes": 150_000_000_000,
        }
    ]
}


COALESCING: dict[str, Any] = {
    "filters": [
        {
            "filter": 1033,
            "delay": 10_000,
            "tests": ["ethertype=0x800", "ipv4-protocol=0x11", "udp-destination-port=0x14e9/0xffff"],
        }
    ],
    "coalesced": 999_999_999,
}


def port(drops: dict[str, int], lost_in_crash: int = 0) -> dict[str, Any]:
    return {
        "port": LONGEST,
        "reads": 999_999_999,
        "writes": 123_456_789,
        "read_octets": 125_000_000_000,
        "write_octets": 125_000_000,
        "drops": drops,
        "ring_overflow": 7_654,
        "lost_in_crash": lost_in_crash,
    }


VF: dict[str, Any] = {
    "vf": 62,
    "vm": LONGEST,
    "mac": MAC,
    "vlan": 4094,
    "trust": True,
    "spoofchk": False,
    "rate": 10_000.5,
    "processor": 63,
    "sent": {"skbs": 1, "wire_frames": 999_999_999, "octets": 125_000_000_000},
    "received": {"skbs": 1, "wire_frames": 999_999_999, "octets": 125_000_000_000},
    "drops": {"anti_spoof_mac": 7},
}


def stats(*ports: dict[str, Any], broken: int = 0) -> dict[str, Any]:
    checks = [{"name": "core: reads = writes", "left": 5 + broken, "right": 5, "holds": not broken}]
    return {
        "ports": list(ports),
        "inboxes": [{"writes": 3}, {"writes": 4}],
        "vfs": [VF],
        "law": {"holds": not broken, "checks": checks},
    }


SWITCH = {
    "port": {"bridge": None, "vfta": [100, 200], "vlan_filtering": True},
    "pools": [{"name": LONGEST, "accept": ["AUPE", "BAM", "ROMPE", "ROPE", "MPE", "UPE", "VPE"]}],
}


EACH_DOCUMENT = pytest.mark.parametrize(
    ("method", "document"),
    [
        ("status", STATUS),
        ("vport.list", VPORTS),
        ("queue.list", QUEUES),
        ("coalescing.list", COALESCING),
        ("switch.list", SWITCH),
        ("stats", stats(port({}))),
        ("vf.list", {"vfs": [VF]}),
    ],
)


@EACH_DOCUMENT
def test_the_longest_names_and_large_counts_fit_80_columns_unfolded(
    method: str, document: dict[str, Any], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    reading.SHOW[method](document)
    unbounded = _words(capsys.readouterr().out)
    monkeypatch.setattr(table, "room", lambda: 80)
    reading.SHOW[method](document)
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    assert _words(out) == unbounded  # a column too narrow would cut a word in two


def _words(text: str) -> list[str]:
    return sorted(text.split())


@EACH_DOCUMENT
def test_json_is_the_document_itself(
    method: str, document: dict[str, Any], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "ask", lambda *request: {(method, "two"): document}[request])
    reading.read(method, "two", as_json=True)
    assert json.loads(capsys.readouterr().out) == document


def test_status_names_machines_workers_and_what_went_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    reading.show_status(STATUS)
    out = capsys.readouterr().out
    for what in (
        "lab two",
        "mode off",
        "ext",
        "10.0.0.1/24",
        "worker nic: pid 4711",
        "spare worker: starting",
    ):
        assert what in out
    assert "crashes: 3" in out
    assert "port 2" in out


def test_stats_names_every_drop_reason_and_every_crash(capsys: pytest.CaptureFixture[str]) -> None:
    reading.show_stats(stats(port({"anti_spoof_mac": 1_200, "oversize": 34}, lost_in_crash=2)))
    out = capsys.readouterr().out
    row = next(line for line in out.splitlines() if line.startswith(LONGEST)).split()
    assert row == [LONGEST, "999,999,999", "123,456,789", "1,000.00", "1.00", "1,234", "7,654"]
    assert f"dropped from {LONGEST}: 1,200 anti_spoof_mac" in out
    assert f"dropped from {LONGEST}: 34 oversize" in out
    assert f"lost in a worker's crash from {LONGEST}: 2" in out
    assert "law holds: yes" in out


def test_stats_names_the_equation_that_is_broken(capsys: pytest.CaptureFixture[str]) -> None:
    reading.show_stats(stats(port({}), broken=2))
    out = capsys.readouterr().out
    assert "law holds: no" in out
    assert "broken: core: reads = writes: 7 and 5" in out


def test_the_switchs_keys_are_told_as_the_lab_file_has_them(capsys: pytest.CaptureFixture[str]) -> None:
    reading.show_switch(SWITCH)
    accept = '["AUPE", "BAM", "ROMPE", "ROPE", "MPE", "UPE", "VPE"]'
    assert capsys.readouterr().out.splitlines() == [
        "port",
        "  vfta = [100, 200]",
        "  vlan_filtering = true",
        LONGEST,
        f"  accept = {accept}",
    ]
