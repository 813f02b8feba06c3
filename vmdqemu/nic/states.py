"""State machines as tables, (state, event) -> state, and the diagrams that are drawn from them.

A pair that is not in the table is not legal: the request that would cause it is refused.
"""

from collections.abc import Mapping
from enum import Enum
from typing import TypeVar

State = TypeVar("State", bound=Enum)
Event = TypeVar("Event", bound=Enum)


def diagram(transitions: Mapping[tuple[State, Event], State], start: State) -> str:
    """A Mermaid state diagram. Events that lead from one state to the same other share an arrow."""
    arrows: dict[tuple[State, State], list[str]] = {}
    for (before, event), after in transitions.items():
        arrows.setdefault((before, after), []).append(event.value)
    lines = [
        f"    {before.name} --> {after.name}: {', '.join(why)}" for (before, after), why in arrows.items()
    ]
    return "\n".join(["stateDiagram-v2", f"    [*] --> {start.name}", *lines])
