"""VFs in a lab file: as many as are wanted, or why there are none."""

import pytest

from vmdqemu import config, config_vfs
from vmdqemu.config_adapter import describe
from vmdqemu.errors import LabFileError

VMS = '[[vm]]\nname = "vm1"\niov = true\n[[vm]]\nname = "vm2"\niov = true\n[[vm]]\nname = "vm3"\n'
WIRE = "[wire]\n"


@pytest.mark.parametrize(
    ("more", "count"),
    [
        ("", 2),
        ("adapter.vfs = 5\n", 5),
        ("adapter.vfs = 1\n", 1),
        ("adapter.vfs = 0\n", 0),
        ('keywords = { "*SriovPreferred" = 1, "*NumVFs" = 7 }\n', 7),
    ],
)
def test_the_switch_has_as_many_as_are_wanted_or_said(more: str, count: int) -> None:
    lab = config.parse(more + WIRE + VMS, "lab")
    switch = describe(lab).switch
    assert switch is not None
    assert config_vfs.vfs(lab) == switch.vfs == count


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (VMS, "vm[0].iov: the switch between VFs is the wire's; add a [wire] table"),
        (
            "adapter.nic_switch = false\n" + WIRE + VMS,
            "vm[0].iov: VFs are the NIC switch's; use adapter.nic_switch = true",
        ),
        (
            'adapter.model = "82598"\n' + WIRE + VMS,
            "vm[0].iov: the model 82598 has no VFs (82598 datasheet 211-217); use another model",
        ),
        (
            'adapter.model = "82575"\nadapter.vfs = 1\n' + WIRE + VMS,
            "adapter.vfs: the model 82575 has no VFs (82575 SDM 120-123); use another model",
        ),
        (
            'adapter.model = "82576"\nadapter.vfs = 8\n' + WIRE + VMS,
            "adapter.vfs: the model 82576 has 7 VFs (82576 8.26.1); use no more",
        ),
        ('keywords = { "*SRIOV" = 0 }\n' + WIRE + VMS, 'vm[0].iov: VFs are off; use "*SRIOV" = 1'),
    ],
)
def test_vfs_that_there_cannot_be_are_refused_with_the_cure(text: str, problem: str) -> None:
    with pytest.raises(LabFileError) as raised:
        config.parse(text, "lab")
    assert raised.value.problems == (problem,)
