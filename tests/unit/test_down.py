"""Which labs `down` stops."""

import pytest

from vmdqemu.cli.down import chosen
from vmdqemu.daemon.runtime import Record
from vmdqemu.errors import NotRunning, UsageError

ONE, TWO = (Record(name, 1, "lab.toml", ()) for name in ("one", "two"))


@pytest.mark.parametrize(
    ("records", "name", "everything", "stopped"),
    [
        ([ONE], None, False, [ONE]),
        ([ONE, TWO], "two", False, [TWO]),
        ([ONE, TWO], None, True, [ONE, TWO]),
        ([ONE], None, True, [ONE]),
    ],
    ids=["the only one", "by name", "all", "all is one"],
)
def test_down_stops_what_is_meant(
    records: list[Record], name: str | None, everything: bool, stopped: list[Record]
) -> None:
    assert chosen(records, name, everything) == stopped


@pytest.mark.parametrize(
    ("records", "name", "everything", "message"),
    [
        ([], None, False, "no lab is running, and nothing was left behind"),
        ([], None, True, "no lab is running, and nothing was left behind"),
        ([ONE], "two", False, "lab two is not running, and nothing was left behind"),
    ],
)
def test_nothing_to_stop_is_not_running(
    records: list[Record], name: str | None, everything: bool, message: str
) -> None:
    with pytest.raises(NotRunning, match=message):
        chosen(records, name, everything)


def test_one_of_several_is_not_guessed() -> None:
    with pytest.raises(UsageError, match=r"several labs \(one, two\); name one, or use --all"):
        chosen([ONE, TWO], None, False)


def test_a_name_and_all_do_not_fit_together() -> None:
    with pytest.raises(UsageError, match="not both"):
        chosen([ONE, TWO], "one", True)
