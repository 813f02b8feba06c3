import pytest

from netns import namespace
from netns.errors import NetnsError


def test_a_command_line_runs_in_its_namespace() -> None:
    assert namespace.command("vm1", ["ping", "-c", "1", "10.0.0.2"]) == [
        *("ip", "netns", "exec", "vm1"),
        *("ping", "-c", "1", "10.0.0.2"),
    ]


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../../proc/1/ns/net", "a/b", "-all", "vm 1", "vm\n", "x" * 256]
)
def test_a_name_that_is_not_one_is_refused_before_anything_is_touched(name: str) -> None:
    for act in (
        namespace.exists,
        namespace.create,
        namespace.remove,
        namespace.pids,
        namespace.end_processes,
    ):
        with pytest.raises(NetnsError, match="bad namespace name"):
            act(name)


def test_a_namespace_that_is_missing_is_named() -> None:
    with (
        pytest.raises(namespace.NamespaceMissing, match="no namespace 'no-such-vm'"),
        namespace.entered("no-such-vm"),
    ):
        pass


def test_what_is_gone_has_no_processes_and_needs_no_removal() -> None:
    assert not namespace.exists("no-such-vm")
    assert namespace.pids("no-such-vm") == []
    namespace.end_processes("no-such-vm")
    namespace.remove("no-such-vm")


def test_the_callers_own_namespace_is_visited_and_no_more() -> None:
    assert namespace.command(namespace.HERE, ["ip", "link"]) == ["ip", "link"]
    assert namespace.find(namespace.identity(namespace.HERE)) == namespace.HERE
    for act in (namespace.exists, namespace.create, namespace.remove, namespace.end_processes):
        with pytest.raises(NetnsError, match="bad namespace name"):
            act(namespace.HERE)


def test_a_namespace_that_is_gone_has_no_name() -> None:
    assert namespace.find((0, 0)) is None
