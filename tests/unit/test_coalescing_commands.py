"""`coalescing`: what each of its commands asks for."""

from tests.unit.asking import Asks


def test_a_filter_is_made_or_modified(asks: Asks) -> None:
    tests = ["ethertype=0x0806", "mac=02:00:00:00:00:01"]
    made = {"tests": tests, "delay": 5, "filter": 0}
    assert asks("coalescing", "set", *tests, "--delay", "5") == ("coalescing.set", made)
    modified = asks("coalescing", "set", *tests, "--delay", "5", "--filter", "2")
    assert modified == ("coalescing.set", made | {"filter": 2})


def test_a_filter_is_cleared_by_its_number(asks: Asks) -> None:
    assert asks("coalescing", "clear", "2") == ("coalescing.clear", {"filter": 2})
