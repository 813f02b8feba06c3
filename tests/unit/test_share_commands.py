"""`share`: what each of its commands asks for."""

from tests.unit.asking import Asks


def test_only_the_terms_that_are_to_change_are_said(asks: Asks) -> None:
    assert asks("share", "set", "vm1", "--weight", "3") == ("share.set", {"vm": "vm1", "weight": 3})
    assert asks("share", "set", "vm1", "--rate", "0", "--shared") == (
        "share.set",
        {"vm": "vm1", "rate": 0.0, "strict": False},
    )
