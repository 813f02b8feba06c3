"""Namespaces on the real kernel: what is made is there, what runs inside is found, what is undone is gone."""

import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from netns import ipv6, links, namespace
from netns.errors import NetnsError
from netns.lab import Lab

pytestmark = pytest.mark.system

A, B = f"netns{os.getpid()}-a", f"netns{os.getpid()}-b"
SLEEP = ["sleep", "1000"]
DEAF = ["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1000; done"]  # SIGTERM does not end it


@pytest.fixture
def lab() -> Iterator[Lab]:
    with Lab() as lab:
        yield lab


def eventually(holds: Callable[[], bool], seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + seconds
    while not (held := holds()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return held


@contextmanager
def started(argv: list[str], stdout: int = subprocess.DEVNULL) -> Iterator[subprocess.Popen[str]]:
    """A process in A that a failing test does not wait for."""
    with namespace.start(A, argv, stdout=stdout) as process:
        try:
            yield process
        finally:
            process.kill()


def here() -> int:
    """The namespace that the calling thread is in."""
    return os.stat("/proc/thread-self/ns/net").st_ino


def there(ns: str) -> int:
    return (namespace.RUN_DIR / ns).stat().st_ino


def test_a_namespace_shows_in_ip_netns_with_its_loopback_up(lab: Lab) -> None:
    lab.namespace(A)

    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
    assert A in listed.split()
    assert "UP" in namespace.run(A, ["ip", "link", "show", "lo"]).stdout


def test_a_name_that_is_taken_is_refused_and_left_alone(lab: Lab) -> None:
    lab.namespace(A)
    before = there(A)

    with pytest.raises(namespace.NamespaceExists, match="choose another name"):
        namespace.create(A)
    assert there(A) == before


def test_a_namespace_that_fails_half_way_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise OSError("no")

    monkeypatch.setattr(ipv6, "disable", refuse)
    with pytest.raises(OSError, match="no"):
        namespace.create(A)
    assert not namespace.exists(A)


def test_a_file_that_is_no_namespace_is_named_with_its_cure(lab: Lab) -> None:
    lab.namespace(B)  # the directory is there
    leftover = namespace.RUN_DIR / A
    leftover.touch(exist_ok=False)
    lab.push(namespace.remove, A)

    with pytest.raises(NetnsError, match=f"`ip netns delete {A}`"), namespace.entered(A):
        pass
    namespace.remove(A)
    assert not leftover.exists()


def test_only_the_calling_thread_is_inside(lab: Lab) -> None:
    lab.namespace(A)
    home = here()
    inside, leave = threading.Event(), threading.Event()
    seen: list[int] = []

    def visit() -> None:
        with namespace.entered(A):
            seen.append(here())
            inside.set()
            leave.wait(5)
        seen.append(here())

    visitor = threading.Thread(target=visit)
    visitor.start()
    assert inside.wait(5)
    assert here() == home
    leave.set()
    visitor.join()
    assert seen == [there(A), home]


def test_the_thread_comes_back_past_errors_and_nested_visits(lab: Lab) -> None:
    lab.namespace(A)
    lab.namespace(B)
    home = here()

    def visit() -> None:
        with namespace.entered(A):
            with namespace.entered(B):
                assert here() == there(B)
            assert here() == there(A)
            raise KeyError

    with pytest.raises(KeyError):
        visit()
    assert here() == home


def test_a_command_that_fails_says_where_what_and_why(lab: Lab) -> None:
    lab.namespace(A)

    assert namespace.run(A, ["sh", "-c", "echo out; exit 3"], check=False).returncode == 3
    with pytest.raises(namespace.CommandFailed) as caught:
        namespace.run(A, ["sh", "-c", "echo too bad >&2; exit 3"])
    assert str(caught.value) == f"namespace '{A}': `sh -c 'echo too bad >&2; exit 3'` exited with 3: too bad"


def test_a_command_that_hangs_is_killed_with_what_it_started(lab: Lab) -> None:
    lab.namespace(A)

    with pytest.raises(namespace.CommandFailed, match=r"did not end within 0\.2 s"):
        namespace.run(A, ["sh", "-c", "sleep 1000 & sleep 1000"], timeout=0.2)
    assert eventually(lambda: namespace.pids(A) == [])


def test_a_started_process_is_found_at_once_and_ended(lab: Lab) -> None:
    lab.namespace(A)
    with started(SLEEP) as process:
        assert namespace.pids(A) == [process.pid]
        namespace.end_processes(A)
        assert process.wait(0) == -15

    assert namespace.pids(A) == []


def test_a_process_is_inside_before_its_command_line_leads_it_there(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.namespace(A)
    monkeypatch.setattr(namespace, "command", lambda _name, argv: list(argv))
    with started(SLEEP) as process:
        assert namespace.pids(A) == [process.pid]
        namespace.end_processes(A)


def test_a_process_deaf_to_sigterm_is_killed(lab: Lab) -> None:
    lab.namespace(A)
    with started(DEAF, subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        namespace.end_processes(A, deadline=0.2)

        assert process.wait(0) == -9
    assert namespace.pids(A) == []


def test_the_caller_is_not_ended_with_the_rest(lab: Lab) -> None:
    lab.namespace(A)

    with namespace.entered(A), pytest.raises(NetnsError, match="the caller's own"):
        namespace.end_processes(A)


def test_a_lab_that_fails_half_way_leaves_nothing() -> None:
    def build() -> None:
        with Lab() as lab:
            lab.namespace(A)
            lab.namespace(B)
            lab.veth(A, "eth0", B, "eth0", mtu=1500)
            lab.bridge(B, "br0", ["eth9"])

    with pytest.raises(links.LinkError):
        build()
    assert not namespace.exists(A)
    assert not namespace.exists(B)


def test_a_lab_ends_what_runs_in_it() -> None:
    with Lab() as lab:
        lab.namespace(A)
        process = namespace.start(A, SLEEP)

    assert process.wait(0) == -15
    assert not namespace.exists(A)
