"""First come, first served: who has queues of its own, and who waits for some."""

import pytest

from tests.unit.builders import accept, mac
from tests.unit.test_config_adapter import lab_file
from vmdqemu.config import LabConfig, parse
from vmdqemu.config_adapter import connect, describe
from vmdqemu.config_admission import admit, grants, make_room
from vmdqemu.host.queues import NoQueue
from vmdqemu.nic.adapter import Adapter, SetFilter, SetMode, SetShare, compile_tables
from vmdqemu.nic.limits import Refusal
from vmdqemu.nic.modes import OFF, VMMQ
from vmdqemu.nic.share import Share
from vmdqemu.nic.status import Status
from vmdqemu.nic.vport_states import VPortState

WITHOUT_SWITCH = """
adapter = { mode = "vmq", nic_switch = false, rx_queues = 2 }
vm = [{ name = "a" }, { name = "b" }]
"""


def queues(adapter: Adapter) -> list[tuple[int, ...]]:
    return [vport.queues for vport in compile_tables(adapter, 1).vports.values()]


def weighted(config: LabConfig, **weights: int) -> LabConfig:
    vms = (vm.model_copy(update={"vmq_weight": weights.get(vm.name, 100)}) for vm in config.vms)
    return config.model_copy(update={"vms": tuple(vms)})


def test_vms_that_come_when_the_queues_are_gone_are_left_to_the_default_queue() -> None:
    """255 RX queues besides the default one: three VPorts of 64 fit."""
    config = parse(lab_file(6, queues=64), "lab")
    adapter = describe(config)
    assert list(map(bool, queues(adapter))) == [True] * 3 + [False] * 3
    assert list(grants(adapter, config).values()) == [None] * 3 + [NoQueue.EXHAUSTED] * 3


def test_a_vm_of_weight_0_has_no_queue_and_the_file_may_allow_fewer_than_the_model() -> None:
    text = 'adapter = { mode = "vmq", rx_queues = 3 }\nvm = [{ name = "a", vmq_weight = 0 }, { name = "b" }]'
    config = parse(text, "lab")
    adapter = describe(config)
    assert queues(adapter) == [(), (1,)]
    assert adapter.model.rx_queues == 3
    assert grants(adapter, config) == {"b": None, "a": NoQueue.WEIGHT}


def test_who_has_a_queue_keeps_it_though_an_earlier_vm_waits() -> None:
    """vm[0] needs two queues; it waits for both rather than to take vm[2]'s."""
    text = 'adapter = { mode = "vmmq", rx_queues = 4 }\nvm = [VMS]'
    first, second, third = '{ name = "a", queues = 2 }', '{ name = "b", queues = 2 }', '{ name = "c" }'
    before = describe(parse(text.replace("VMS", f"{second}, {third}"), "lab"))
    whole = parse(text.replace("VMS", f"{first}, {second}, {third}"), "lab")
    after, numbers = connect(before, whole, whole.vms[:1])
    assert (queues(after), numbers) == ([(1, 2), (3,), ()], (3,))


@pytest.mark.parametrize("nic_switch", ["true", "false"])
def test_a_queue_that_is_given_back_goes_to_the_first_that_waits(nic_switch: str) -> None:
    config = parse(WITHOUT_SWITCH.replace("false", nic_switch), "lab")
    before = describe(config)
    assert queues(before) == [(1,), ()]
    assert queues(admit(before, config)[0]) == [(1,), ()]
    after, refused = admit(before, weighted(config, a=0))
    assert (queues(after), refused) == ([(), (1,)], {})
    assert [key[0] for key in compile_tables(after, 1).filters] == [config.vms[1].mac]
    again, _ = admit(after, config)
    assert queues(again) == [(), (1,)]


def test_a_port_that_loses_its_vport_keeps_its_share_and_its_rss() -> None:
    config = parse('adapter.mode = "vmmq"\nvm = [{ name = "a", queues = 2, rss_table_size = 4 }]', "lab")
    before = accept(describe(config), SetShare(1, Share(7)), SetFilter(1, mac(9)))
    without, _ = admit(before, weighted(config, a=0))
    port = without.vports[1]
    assert (port.state, port.queues, without.filters) == (VPortState.UNKNOWN, (), {})
    assert (port.rss, port.share) == (before.vports[1].rss, Share(7))
    assert admit(without, config)[0].vports[1]._replace(rss=None) == before.vports[1]._replace(rss=None)
    assert admit(without, config)[0].vports[1].rss == before.vports[1].rss


def test_what_another_mode_has_too_few_queues_for_makes_room() -> None:
    config = parse(f"adapter.rx_queues = 4\n{lab_file(2, queues=2, mode='vmq')}", "lab")
    before = describe(config)
    assert queues(before) == [(1,), (2,)]
    room = make_room(before, config, VMMQ)
    assert queues(room) == [(1,), ()]
    assert queues(admit(accept(before, SetMode(OFF)), config)[0]) == [(), ()]


def test_whom_the_adapter_refuses_a_vport_is_left_as_it_was_and_named() -> None:
    config = parse('vm = [{ name = "a", vmq_weight = 0 }, { name = "b" }]', "lab")
    before = accept(describe(config), SetFilter(2, config.vms[0].mac))
    after, refused = admit(before, weighted(config))
    assert (after, refused) == (before, {"a": Refusal(Status.INVALID_PARAMETER, "")})


@pytest.mark.parametrize(
    ("mode", "host", "obstacle"),
    [
        ("vmq", "", None),
        ("vmq", "ten_gig_vmq = 2", NoQueue.POLICY),
        ("vmq", "below_ten_gig_vmq = 2", None),
        ("off", "ten_gig_vmq = 2", None),
    ],
)
def test_an_override_takes_the_queues_of_modes_that_have_some(
    mode: str, host: str, obstacle: NoQueue | None
) -> None:
    config = parse(f'adapter.mode = "{mode}"\nvm = [{{ name = "a" }}]\n[host]\n{host}', "lab")
    adapter = describe(config)
    assert grants(adapter, config) == {"a": obstacle}
    assert adapter.vports[1].state is (VPortState.UNKNOWN if obstacle else VPortState.ACTIVATED)
