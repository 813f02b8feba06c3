"""From a lab file to the lines that say what is up."""

import json
from pathlib import Path

import pytest

from vmdqemu import config
from vmdqemu.cli import lab
from vmdqemu.config_schema import toml_schema
from vmdqemu.errors import LabFileError, UsageError


def parsed(*vms: str, top: str = "", wire: str = "") -> config.LabConfig:
    return config.parse(f"{top}\nvm = [{', '.join(vms)}]\n{wire}", "two")


def vm(name: str, address: str, more: str = "") -> str:
    return f'{{ name = "{name}", address = "{address}" {more} }}'


@pytest.mark.parametrize(
    ("config", "command"),
    [
        (
            parsed(vm("vm1", "10.0.0.1/24"), vm("vm2", "10.0.0.2/24"), top='prefix = "x-"'),
            "ip netns exec x-vm1 ping -c 3 10.0.0.2",
        ),
        (
            parsed(vm("vm1", "10.0.0.1/24"), wire='[wire]\naddress = "10.0.0.9/24"'),
            "ip netns exec vm1 ping -c 3 10.0.0.9",
        ),
        (
            parsed(
                vm("vm1", "10.0.0.1/24", ", vlan = 1"),
                vm("vm2", "10.0.0.2/24", ", vlan = 2"),
                vm("vm3", "10.0.0.3/24", ", vlan = 2"),
            ),
            "ip netns exec vm2 ping -c 3 10.0.0.3",
        ),
        (parsed(vm("vm1", "10.0.0.1/24"), vm("vm2", "10.0.1.2/24")), None),
        (parsed('{ name = "vm1" }', '{ name = "vm2" }'), None),
    ],
    ids=["two VMs", "the outside host", "only inside a VLAN", "only inside a network", "no addresses"],
)
def test_the_example_is_a_ping_that_is_answered(config: config.LabConfig, command: str | None) -> None:
    assert lab.example(config) == command


def test_a_lab_that_is_up_says_its_machines_and_how_to_stop(capsys: pytest.CaptureFixture[str]) -> None:
    config = parsed(vm("vm1", "10.0.0.1/24"), top='prefix = "x-"', wire='[wire]\naddress = "10.0.0.9/24"')
    lab.show(config, "stop: Ctrl-C")
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["vm1", "x-vm1", "10.0.0.1/24"] in lines
    assert ["ext", "x-ext", "10.0.0.9/24"] in lines
    assert lines[-1] == ["stop:", "Ctrl-C"]


def test_a_right_file_is_ok(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "two.toml"
    file.write_text('vm = [{ name = "vm1" }]')
    lab.validate(file, schema=False)
    assert capsys.readouterr().out == f"{file}: ok\n"


def test_the_schema_is_printed_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    lab.validate(None, schema=True)
    assert json.loads(capsys.readouterr().out) == toml_schema(config.LabConfig)


def test_validate_needs_something_to_validate() -> None:
    with pytest.raises(UsageError, match="--schema"):
        lab.validate(None, schema=False)


def test_every_problem_names_the_file(tmp_path: Path) -> None:
    file = tmp_path / "two.toml"
    file.write_text("mtu = 1\ncolour = 2\n")
    with pytest.raises(LabFileError) as raised:
        lab.load(file)
    assert len(raised.value.problems) == 3  # no VM either
    assert all(problem.startswith(f"{file}: ") for problem in raised.value.problems)


def test_what_the_adapter_refuses_is_a_problem_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "two.toml"
    file.write_text('vm = [{ name = "vm1" }]\nadapter = { moderation = 100_000 }')  # of 65,535 us
    with pytest.raises(LabFileError) as raised:
        lab.load(file)
    assert [problem.partition(": ")[0] for problem in raised.value.problems] == [str(file)]
    assert "an interval of 100000 does not fit; use 0 to 65535" in raised.value.problems[0]
