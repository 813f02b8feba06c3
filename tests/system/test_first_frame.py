"""The shortest way through everything: one frame, counted at both ends."""

from pathlib import Path

import pytest

from tests.system.harness import running

pytestmark = pytest.mark.system

TWO_VMS = """
vm = [
  { name = "vm1", address = "10.0.0.1/24" },
  { name = "vm2", address = "10.0.0.2/24" },
]
"""


def test_a_ping_is_counted_where_it_is_read_and_where_it_is_written(tmp_path: Path) -> None:
    with running(TWO_VMS, tmp_path) as lab:
        lab.run("vm1", "ping", "-c", "1", "-W", "5", "10.0.0.2")
        lab.assert_law()  # the answer may be there before its writer has booked it
        vm1, vm2 = (row for row in lab.call("stats")["ports"] if row["port"] in ("vm1", "vm2"))
        # An ARP request and an echo request go one way, their answers the other.
        assert vm1["reads"] >= 2
        assert vm2["reads"] >= 2
        assert vm1["reads"] == vm2["writes"] == vm2["kernel"]["rx_packets"]
        assert vm2["reads"] == vm1["writes"] == vm1["kernel"]["rx_packets"]
