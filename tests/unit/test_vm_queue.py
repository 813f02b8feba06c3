"""The parameters of a VM queue: a mask names a processor."""

import pytest

from vmdqemu.nic.vm_queue import QueueParameters


@pytest.mark.parametrize(("affinity", "sound"), [(0, False), (1, True), (1 << 63, True), (1 << 64, False)])
def test_a_mask_names_processors_of_one_group(affinity: int, sound: bool) -> None:
    assert QueueParameters(affinity=affinity).is_sound is sound


def test_a_hint_is_no_negative_number() -> None:
    assert QueueParameters(suggested_buffers=0).is_sound
    assert not QueueParameters(suggested_buffers=-1).is_sound
