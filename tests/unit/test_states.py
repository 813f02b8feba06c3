"""State diagrams: those of the documentation are drawn from the tables, and say nothing else."""

from pathlib import Path

import pytest

from vmdqemu.nic import queue_states, vf_states, vport_states
from vmdqemu.nic.queue_states import QueueState
from vmdqemu.nic.states import diagram
from vmdqemu.nic.vf_states import VfState
from vmdqemu.nic.vport_states import VPortState

DOCUMENT = Path(__file__).parents[2] / "docs/states.md"
DIAGRAMS = {
    "VM queue": diagram(queue_states.TRANSITIONS, QueueState.UNDEFINED),
    "VPort": diagram(vport_states.TRANSITIONS, VPortState.UNKNOWN),
    "VF": diagram(vf_states.TRANSITIONS, VfState.FREE),
}


@pytest.mark.parametrize("of", DIAGRAMS)
def test_the_documentation_shows_the_table(of: str) -> None:
    assert f"```mermaid\n{DIAGRAMS[of]}\n```" in DOCUMENT.read_text(), f"put this there:\n{DIAGRAMS[of]}"


def test_events_between_the_same_two_states_share_an_arrow() -> None:
    assert (
        "    SET --> SET: parameters, filter parameters, set filter, clear filter\n" in DIAGRAMS["VM queue"]
    )
