"""Adapter models: limits that NDIS and the kernel can keep."""

import pytest

from vmdqemu.nic.models import MODELS, Model

TAP_QUEUES = 256  # of one device: MAX_TAP_QUEUES in the kernel


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_the_limits_fit_each_other_and_a_tap(model: Model) -> None:
    assert MODELS[model.name] is model
    assert model.rx_queues <= TAP_QUEUES
    assert 1 <= model.queue_pairs < model.rx_queues
    assert model.queue_pairs.bit_count() == 1  # NDIS_NIC_SWITCH_CAPABILITIES: powers of two
    assert model.filters >= model.vports  # MaxNumMacAddresses >= MaxNumVPorts
