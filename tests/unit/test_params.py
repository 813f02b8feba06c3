"""What a request on the socket says is read by kind, or refused with its name."""

from enum import Enum

import pytest

from vmdqemu.daemon.params import Params
from vmdqemu.errors import UsageError


class Colour(Enum):
    RED = 1
    GREEN = 2


def test_each_kind_is_read() -> None:
    said = Params(
        {
            "queue": 3,
            "queues": [1, 2],
            "rate": 2.5,
            "name": "q",
            "untagged": True,
            "mac": "02:00:00:00:00:01",
            "groups": ["01:00:5e:00:00:01"],
            "colour": "green",
            "colours": ["red"],
        }
    )
    assert (said.caller, said.whole("queue"), said.whole("other", 7)) == ("vswitch", 3, 7)
    assert (said.wholes("queues"), said.text("name"), said.flag("untagged")) == ((1, 2), "q", True)
    assert (said.number("rate"), said.number("queue"), said.texts("colours")) == (2.5, 3, ["red"])
    assert said.mac("mac") == b"\x02\0\0\0\0\x01"
    assert said.macs("groups") == {b"\x01\0\x5e\0\0\x01"}
    assert said.macs("none") == frozenset()
    assert said.choice("colour", Colour, Colour.RED) is Colour.GREEN
    assert said.choice("other", Colour, Colour.RED) is Colour.RED
    assert said.choices("colours", Colour) == [Colour.RED]
    assert (said.has("queue"), said.has("other"), said.flag("other")) == (True, False, False)


@pytest.mark.parametrize("wrong", [None, True, "1", 1.5, [1]])
def test_what_is_of_another_kind_is_refused_with_its_name(wrong: object) -> None:
    with pytest.raises(UsageError, match=r"queue: .* is not a whole number"):
        Params({"queue": wrong}).whole("queue")
    with pytest.raises(UsageError, match=r"queues: .* is not a list of whole numbers"):
        Params({"queues": [wrong]}).wholes("queues")


@pytest.mark.parametrize(
    ("name", "value", "cure"),
    [
        ("text", 1, "text: 1 is not text"),
        ("texts", None, "texts: None is not a list of texts"),
        ("texts", [1], "texts: [1] is not a list of texts"),
        ("number", True, "number: True is not a number"),
        ("number", "1", "number: '1' is not a number"),
        ("flag", 1, "flag: 1 is not true or false"),
        ("mac", "1:2", "mac: '1:2' is not a MAC address; use one such as"),
        ("macs", "1:2", "macs: '1:2' is not a list of MAC addresses"),
        ("choice", "blue", "choice: 'blue' is not known; use one of red, green"),
        ("choices", "red", "choices: 'red' is not a list of names"),
    ],
)
def test_the_cure_is_named(name: str, value: object, cure: str) -> None:
    said = Params({name: value})
    kinds = {"choice": (Colour, Colour.RED), "choices": (Colour,)}
    with pytest.raises(UsageError) as caught:
        getattr(said, name)(name, *kinds.get(name, ()))
    assert cure in str(caught.value)
