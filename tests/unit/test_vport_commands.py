"""`vport`: what each of its commands asks for."""

from tests.unit.asking import Asks


def test_vports_are_listed(asks: Asks) -> None:
    assert asks("vport", "list") == ("vport.list", {})
