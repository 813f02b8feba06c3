"""Adapter models: limits that NDIS and the kernel can keep, and what a flag turns on."""

import pytest

from vmdqemu.nic.adapter import Adapter, compile_tables
from vmdqemu.nic.models import IDEAL, MODELS, Model
from vmdqemu.nic.modes import VMMQ
from vmdqemu.nic.tunnel import NO_TUNNELS, Tunnels

TAP_QUEUES = 256  # of one device: MAX_TAP_QUEUES in the kernel


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_the_limits_fit_each_other_and_a_tap(model: Model) -> None:
    assert MODELS[model.name] is model
    assert model.rx_queues <= TAP_QUEUES
    assert 1 <= model.pool_queues < model.rx_queues
    assert model.rss_queues <= model.rx_queues
    assert model.queue_pairs.bit_count() == 1  # NDIS_NIC_SWITCH_CAPABILITIES: powers of two
    assert model.filters >= model.vports  # MaxNumMacAddresses >= MaxNumVPorts


@pytest.mark.parametrize(
    ("inner_headers", "tunnels"), [(False, NO_TUNNELS), (True, Tunnels(8472, nvgre=True))]
)
def test_a_model_that_hashes_inner_headers_looks_into_tunnels(inner_headers: bool, tunnels: Tunnels) -> None:
    model = IDEAL._replace(inner_headers=inner_headers)
    asked = Adapter(model, VMMQ, mtu=1500, wire=True, vxlan_port=8472)
    assert compile_tables(asked, generation=1).tunnels == tunnels
