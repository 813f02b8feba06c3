"""What keeps a VM on the vSwitch."""

import pytest

from tests.unit.builders import Vm, accept, adapter
from vmdqemu.host.vf_policy import obstacle
from vmdqemu.nic.adapter import SetShare
from vmdqemu.nic.share import Share


def test_a_port_without_a_policy_may_have_a_vf() -> None:
    """A port VLAN and anti-spoof are the VF's, too."""
    assert obstacle(adapter(Vm(vlan=10, spoof_check=True)).vports[1]) is None


@pytest.mark.parametrize("share", [Share(weight=2), Share(rate=100), Share(strict=True)])
def test_a_share_of_the_transmitter_needs_the_vswitch(share: Share) -> None:
    """N19."""
    reason = obstacle(accept(adapter(Vm()), SetShare(1, share)).vports[1])
    assert reason is not None
    assert reason.startswith("it has a bandwidth policy; undo it: vmdqemu share set")
