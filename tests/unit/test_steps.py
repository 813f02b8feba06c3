"""A rule is called the same way whether or not anybody wants to know what it found."""

import pytest

from vmdqemu.nic.steps import Step, Steps, explained, plainly


@explained("a page", lambda found, number: f"{number} is {'even' if found else 'odd'}")
def _is_even(number: int) -> bool:
    return number % 2 == 0


def test_a_step_has_the_rules_name_its_finding_in_words_and_its_source() -> None:
    steps = Steps()
    assert [steps.take(_is_even, number) for number in (4, 7)] == [True, False]
    assert steps.taken == [Step("is even", "4 is even", "a page"), Step("is even", "7 is odd", "a page")]


def test_taken_plainly_a_rule_is_just_called() -> None:
    assert plainly(_is_even, 4) is True
    assert plainly(max, 3, 5) == 5


def test_a_rule_without_a_source_cannot_be_explained() -> None:
    with pytest.raises(KeyError):
        Steps().take(max, 3, 5)
