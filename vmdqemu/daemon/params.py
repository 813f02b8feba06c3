"""What a request on the control socket says, read by name and kind."""

from enum import Enum
from typing import TypeVar

from vmdqemu.daemon.control import Document
from vmdqemu.errors import UsageError
from vmdqemu.nic.frame import parse_mac
from vmdqemu.nic.vm_queue import VSWITCH

Choice = TypeVar("Choice", bound=Enum)


class Params:
    """What a request says, read by name. Raises UsageError for what is not of its kind."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self.caller = self.text("caller", VSWITCH)

    def has(self, name: str) -> bool:
        """Whether it says anything about that."""
        return name in self._document

    def whole(self, name: str, default: int | None = None) -> int:
        """A whole number."""
        value = self._document.get(name, default)
        if not isinstance(value, int) or isinstance(value, bool):
            raise UsageError(f"{name}: {value!r} is not a whole number")
        return value

    def number(self, name: str, what: str = "a number") -> float:
        """A number, whole or not; what: it is called if it is none."""
        value = self._document.get(name)
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise UsageError(f"{name}: {value!r} is not {what}")
        return value

    def wholes(self, name: str) -> tuple[int, ...]:
        """A list of whole numbers."""
        values = self._document.get(name)
        if not isinstance(values, list) or any(type(value) is not int for value in values):
            raise UsageError(f"{name}: {values!r} is not a list of whole numbers")
        return tuple(values)

    def documents(self, name: str) -> list["Params"]:
        """A list of what is read by name in turn."""
        values = self._document.get(name)
        if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
            raise UsageError(f"{name}: {values!r} is not a list of objects")
        return [Params(value) for value in values]

    def octets(self, name: str) -> bytes:
        """Octets in hex."""
        text = self.text(name)
        try:
            return bytes.fromhex(text)
        except ValueError:
            raise UsageError(f"{name}: {text!r} is not hex") from None

    def text(self, name: str, default: str | None = None) -> str:
        """A text."""
        value = self._document.get(name, default)
        if not isinstance(value, str):
            raise UsageError(f"{name}: {value!r} is not text")
        return value

    def texts(self, name: str, what: str = "texts") -> list[str]:
        """A list of texts; what: they are called if it is none."""
        values = self._document.get(name)
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise UsageError(f"{name}: {values!r} is not a list of {what}")
        return values

    def flag(self, name: str) -> bool:
        """true or false; without a word false."""
        value = self._document.get(name, False)
        if not isinstance(value, bool):
            raise UsageError(f"{name}: {value!r} is not true or false")
        return value

    def mac(self, name: str) -> bytes:
        """A MAC address."""
        return _mac(name, self.text(name))

    def macs(self, name: str) -> frozenset[bytes]:
        """A list of MAC addresses; none without a word."""
        return frozenset(_mac(name, value) for value in self._texts_or_none(name, "MAC addresses"))

    def choice(self, name: str, kind: type[Choice], default: Choice) -> Choice:
        """One of several names, in small letters."""
        return _choice(name, kind, self.text(name, default.name.lower()))

    def choices(self, name: str, kind: type[Choice]) -> list[Choice]:
        """A list of such names; none without a word."""
        return [_choice(name, kind, value) for value in self._texts_or_none(name, "names")]

    def _texts_or_none(self, name: str, what: str) -> list[str]:
        return self.texts(name, what) if self.has(name) else []


def _mac(name: str, text: str) -> bytes:
    try:
        return parse_mac(text)
    except ValueError:
        raise UsageError(
            f"{name}: {text!r} is not a MAC address; use one such as 02:00:00:00:00:01"
        ) from None


def _choice(name: str, kind: type[Choice], text: str) -> Choice:
    known = {member.name.lower(): member for member in kind}
    if text not in known:
        raise UsageError(f"{name}: {text!r} is not known; use one of {', '.join(known)}")
    return known[text]
