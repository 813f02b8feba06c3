"""`queue`: what each of its commands asks for."""

from tests.unit.asking import Asks


def test_only_what_is_to_change_is_said(asks: Asks) -> None:
    assert asks("queue", "set", "3", "--processor", "0") == ("queue.set", {"queue": 3, "processor": 0})
    assert asks("queue", "set", "3", "--moderation", "50") == ("queue.set", {"queue": 3, "moderation": "50"})
    assert asks("queue", "set", "3") == ("queue.set", {"queue": 3})
