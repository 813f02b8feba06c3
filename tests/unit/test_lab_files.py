"""The labs that experiments build are lab files that load."""

from pathlib import Path

from vmdqemu.config import load
from vmdqemu.experiments import lab_files
from vmdqemu.experiments.lab_files import Receivers


def test_every_setting_of_receivers_is_in_the_file(tmp_path: Path) -> None:
    wanted = Receivers(3, 2, speed=0.3, rate=1000, mtu=9000, ring=512, offloads=False, queues=4)
    lab = load(lab_files.write(tmp_path, "receivers", wanted))
    assert (len(lab.vms), lab.host.processors, lab.host.speed, lab.mtu) == (3, 2, 0.3, 9000)
    assert (lab.adapter.ring, lab.adapter.offloads) == (512, False)
    assert [vm.queues for vm in lab.vms] == [4, 4, 4]
    assert lab.wire is not None
    assert lab.wire.rate == 1000


def test_a_wire_may_be_as_fast_as_the_machine(tmp_path: Path) -> None:
    lab = load(lab_files.write(tmp_path, "receivers", Receivers(1, 1, 1.0, rate=None)))
    assert lab.wire is not None
    assert lab.wire.rate is None


def test_an_experiments_machines_do_not_take_the_names_of_another_lab(tmp_path: Path) -> None:
    lab = load(lab_files.write(tmp_path, "receivers", Receivers(1, 1, 1.0)))
    assert (lab.namespace(lab.vms[0]), lab.ext_namespace) == ("receivers-vm1", "receivers-ext")


def test_senders_have_their_weights_and_their_arbiter(tmp_path: Path) -> None:
    lab = load(lab_files.write_senders(tmp_path, "senders", (1, 2, 4), "round-robin"))
    assert [vm.weight for vm in lab.vms] == [1, 2, 4]
    assert lab.adapter.arbiter == "round-robin"


def test_a_faster_balancer_is_faster_in_all_its_times(tmp_path: Path) -> None:
    lab = load(lab_files.write_balanced(tmp_path, "balanced", Receivers(1, 2, 1.0), period=0.5))
    settings = lab.host.balancer.settings
    assert (settings.period, settings.patience, settings.rest) == (0.5, 1.0, 5.0)
