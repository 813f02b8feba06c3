"""The machine that a result was measured on."""

import platform

from vmdqemu.experiments import machine


def test_the_processor_is_named_as_cpuinfo_has_it() -> None:
    assert machine.cpu_model("processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\n") == "Some CPU @ 2 GHz"


def test_a_processor_without_a_name_is_called_by_its_architecture() -> None:
    assert machine.cpu_model("processor\t: 0\nBogoMIPS\t: 50.00\n") == platform.machine()


def test_this_machine_is_described_completely() -> None:
    described = machine.describe()
    assert list(described) == ["cpu", "cores", "kernel", "python", "commit"]
    assert all(described[key] for key in ("cpu", "cores", "kernel", "python"))
