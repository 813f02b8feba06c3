"""What a killed lab left behind, on the real kernel."""

import os
from pathlib import Path

import pytest

from netns import namespace
from vmdqemu.daemon import runtime
from vmdqemu.daemon.runtime import Record
from vmdqemu.errors import VmdqemuError

pytestmark = pytest.mark.system

NS = f"left{os.getpid()}"
RECORD = Record("left", 1, "left.toml", (NS, f"{NS}-never-made"))


@pytest.fixture(autouse=True)
def _directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "DIRECTORY", tmp_path)


def test_clean_ends_what_still_runs_in_a_vm() -> None:
    namespace.create(NS)
    with namespace.start(NS, ["sleep", "1000"]) as process:
        runtime.clean(RECORD)
        assert process.wait(0) == -15
    assert not namespace.exists(NS)


def test_clean_may_be_asked_twice() -> None:
    namespace.create(NS)
    runtime.clean(RECORD)
    runtime.clean(RECORD)
    assert not namespace.exists(NS)


def test_a_namespace_of_that_name_is_left_alone() -> None:
    namespace.create(NS)
    try:
        with pytest.raises(VmdqemuError, match=f"ip netns del {NS}"), runtime.claimed(RECORD):
            pass
        assert namespace.exists(NS)
        assert not runtime.records()
    finally:
        namespace.remove(NS)
