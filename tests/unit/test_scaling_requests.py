"""RSS requests reach the VPort that they name."""

import pytest

from tests.unit.builders import LAB, accept, adapter, refuse, rss, small
from vmdqemu.nic.adapter import CreateVPort, Request, SetRss, compile_tables
from vmdqemu.nic.rss import HashType
from vmdqemu.nic.status import Status
from vmdqemu.nic.tables import DEFAULT_VPORT

REFUSED: dict[str, tuple[Request, Status]] = {
    "RSS of the default VPort": (SetRss(DEFAULT_VPORT, rss(0, 0)), Status.INVALID_PARAMETER),
    "RSS of an unknown VPort": (SetRss(9, rss(0, 0)), Status.INVALID_PARAMETER),
    "a queue too many in the table": (SetRss(2, rss(0, 2)), Status.INVALID_PARAMETER),
    "a default queue too many": (SetRss(2, rss(0, 1, default=2)), Status.INVALID_PARAMETER),
    "a table of 3": (SetRss(2, rss(0, 1, 0)), Status.INVALID_PARAMETER),
    "a table of 256": (SetRss(2, rss(*[0] * 256)), Status.INVALID_PARAMETER),
    "a short key": (SetRss(2, rss(0, 1, key=bytes(39))), Status.INVALID_PARAMETER),
    "an unknown hash type": (SetRss(2, rss(0, 1, types=HashType(1))), Status.INVALID_PARAMETER),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_refused_request_names_the_status_and_changes_nothing(case: str) -> None:
    request, status = REFUSED[case]
    assert refuse(small(*LAB), request) is status


def test_rss_parameters_take_effect_whole() -> None:
    asked = rss(1, 1, key=bytes(40), types=HashType.IPV4, default=1)
    created = accept(adapter(), CreateVPort("vm1", 2, rss=asked))
    assert compile_tables(created, 1).vports[1].rss == asked
    changed = asked._replace(table=(1, 0, 0, 0), default=0)
    assert compile_tables(accept(created, SetRss(1, changed)), 1).vports[1].rss == changed
