import os
import signal

import pytest

from netns import namespace
from netns.lab import Lab, Parts


def test_undo_runs_in_reverse() -> None:
    undone: list[str] = []
    with Lab() as lab:
        lab.push(undone.append, "first")
        lab.push(undone.append, "second")

    assert undone == ["second", "first"]


def test_a_step_that_fails_undoes_the_steps_before_it() -> None:
    undone: list[str] = []

    def build() -> None:
        with Lab() as lab:
            lab.push(undone.append, "first")
            raise ValueError("the second step")

    with pytest.raises(ValueError, match="the second step"):
        build()
    assert undone == ["first"]


def test_undo_goes_on_past_failures_and_reports_them_all() -> None:
    undone: list[str] = []

    def fail(what: str) -> None:
        raise OSError(what)

    lab = Lab()
    lab.push(undone.append, "first")
    lab.push(fail, "second")
    lab.push(undone.append, "third")
    lab.push(fail, "fourth")
    with pytest.raises(ExceptionGroup) as caught:
        lab.close()

    assert undone == ["third", "first"]
    assert [str(failure) for failure in caught.value.exceptions] == ["fourth", "second"]
    assert "fail('fourth',)" in caught.value.exceptions[0].__notes__[0]


def test_what_is_undone_is_not_undone_again() -> None:
    undone: list[str] = []
    with Lab() as lab:
        lab.push(undone.append, "only")
        lab.close()

    assert undone == ["only"]


def test_a_failure_is_reported_once() -> None:
    lab = Lab()
    lab.push(os.rmdir, "/proc/no-such-directory")
    with pytest.raises(ExceptionGroup):
        lab.close()

    lab.close()


def test_ctrl_c_interrupts_no_undo_and_skips_none() -> None:
    undone: list[str] = []

    def interrupted() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        undone.append("second")

    lab = Lab()
    lab.push(undone.append, "first")
    lab.push(interrupted)
    with pytest.raises(KeyboardInterrupt):
        lab.close()

    assert undone == ["second", "first"]


def test_ctrl_c_waits_until_what_was_made_has_its_undo(monkeypatch: pytest.MonkeyPatch) -> None:
    removed: list[str] = []

    def interrupted(_name: str, **_options: bool) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(namespace, "create", interrupted)
    monkeypatch.setattr(namespace, "end_processes", lambda _name: None)
    monkeypatch.setattr(namespace, "remove", removed.append)

    with pytest.raises(KeyboardInterrupt), Lab() as lab:
        lab.namespace("vm1")
    assert removed == ["vm1"]


def test_a_part_is_undone_before_the_lab_or_with_it_and_only_once() -> None:
    undone: list[str] = []
    with Lab() as lab:
        lab.push(undone.append, "before")
        parts = Parts(lab)
        lab.push(undone.append, "after")
        for name in ("a", "b", "c"):
            parts.add(name)
            parts[name].push(undone.append, name)
        parts.remove("b")
        parts.remove("b")
        assert undone == ["b"]

    assert (undone[:2], sorted(undone[2:4]), undone[4:]) == (["b", "after"], ["a", "c"], ["before"])


def test_every_part_that_fails_to_be_undone_is_reported() -> None:
    undone: list[str] = []

    def fail(what: str) -> None:
        raise OSError(what)

    lab = Lab()
    parts = Parts(lab)
    for name in ("a", "b"):
        parts.add(name).push(fail, name)
    parts.add("c").push(undone.append, "c")
    with pytest.raises(ExceptionGroup) as caught:
        lab.close()

    assert undone == ["c"]
    assert caught.value.subgroup(lambda error: str(error) == "a") is not None
    assert caught.value.subgroup(lambda error: str(error) == "b") is not None


def test_a_part_that_was_let_go_is_somebody_elses_to_undo() -> None:
    undone: list[str] = []
    with Lab() as lab:
        parts = Parts(lab)
        for name in ("a", "b"):
            parts.add(name).push(undone.append, name)
        parts["a"].push(undone.append, "more of a")
        parts.let_go("a")

    assert undone == ["b"]
