"""`host`: what it asks for."""

from tests.unit.asking import Asks


def test_an_override_that_is_not_given_is_not_asked_for(asks: Asks) -> None:
    assert asks("host", "set", "--below-ten-gig-vmq", "1") == ("host.set", {"below_ten_gig_vmq": 1})
    both = {"ten_gig_vmq": 2, "below_ten_gig_vmq": 0}
    assert asks("host", "set", "--ten-gig-vmq", "2", "--below-ten-gig-vmq", "0") == ("host.set", both)
