"""`vmdqemu rss`: what it shows, and what it asks the daemon for."""

import json

import pytest

from tests.system.command import Write, refused, up, vmdqemu

pytestmark = pytest.mark.system

LAB = """
[adapter]
mode = "vmmq"
[host]
processors = 2
[wire]
[[vm]]
name = "vm1"
queues = 2
rss_types = ["IPV4", "TCP_IPV4"]
rss_table_size = 8
[[vm]]
name = "vm2"
"""


def test_tables_are_shown_by_processor_and_moved_by_entry(write: Write) -> None:
    file = write(LAB)
    up(file)

    def rss(*arguments: str) -> str:
        done = vmdqemu("rss", *arguments, "--lab", file.lab)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    def vm1(shown: str) -> str:
        return " ".join(shown.splitlines()[2].split())

    shown = rss("list")
    assert shown.splitlines()[1].split() == [
        "default",
        "on",
        "all",
        "128",
        "0:",
        "64,",
        "0;",
        "1:",
        "64,",
        "1",
        "0",
    ]
    assert vm1(shown) == "vm1 on IPV4 TCP_IPV4 8 0: 4, 2; 1: 4, 3 0"
    assert (
        vm1(rss("move", "vm1", "0-3,default", "--processor", "1"))
        == "vm1 on IPV4 TCP_IPV4 8 0: 2, 2; 1: 6, 3 1"
    )
    shown = vmdqemu("events", "--lab", file.lab).stdout
    assert "entries-moved vport=vm1 entries=0,2,default source=0 target=1 by=operator" in shown
    assert vm1(rss("set", "vm1", "--off")) == "vm1 off IPV4 TCP_IPV4 8 - 0"
    asked = ("--on", "--types", "IPV4", "--entries", "16", "--queues", "2", "--key", "01" * 40, "-j")
    row = json.loads(rss("set", "vm1", *asked))["vports"][1]
    assert (row["enabled"], row["types"], row["key"], len(row["table"])) == (True, ["IPV4"], "01" * 40, 16)
    assert set(row["processors"]) == {0, 1}
    wrong = refused(vmdqemu("rss", "move", "vm1", "0", "--processor", "2", "--lab", file.lab), 2)
    assert wrong == "no processor 2; use 0 to 1 ([host] processors)\n"
    vmdqemu("mode", "set", "vmq", "--lab", file.lab)
    assert "no VPort has several RX queues" in rss("list")
