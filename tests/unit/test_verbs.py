"""The verbs of the control socket: what cannot be read is refused with its name."""

from unittest.mock import Mock

import pytest

from tests.unit.asking import answer
from vmdqemu.daemon import adapter_verbs, host_verbs
from vmdqemu.daemon.control import Document
from vmdqemu.daemon.verbs import verbs
from vmdqemu.daemon.vf_verbs import vf
from vmdqemu.errors import UsageError

VERBS = verbs(Mock(), Mock())  # a supervisor and a changer that would let anything happen


@pytest.mark.parametrize(
    ("verb", "said", "refusal"),
    [
        ("events", {"after": "x"}, "after: 'x' is not a whole number"),
        ("observe", {}, "snaplen: None is not a whole number"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_name(verb: str, said: Document, refusal: str) -> None:
    with pytest.raises(UsageError) as raised:
        answer(VERBS[verb](said))
    assert refusal in str(raised.value)


def test_a_lab_stops_when_it_is_told_to() -> None:
    supervisor = Mock()
    assert verbs(supervisor, Mock())["stop"]({}) == {"stopping": True}
    supervisor.stopped.set.assert_called_once_with()


def test_no_two_groups_have_a_verb_of_one_name() -> None:
    groups = [group(Mock(), Mock(), Mock()) for group in (adapter_verbs.verbs, host_verbs.verbs, vf)]
    names = [name for group in groups for name in group]
    assert len(set(names)) == len(names)
    assert VERBS.keys() >= set(names)
