"""Texts of lab files, and what is wrong with one."""

import pytest

from vmdqemu import config
from vmdqemu.errors import LabFileError


def problems(text: str, name: str = "lab") -> list[str]:
    with pytest.raises(LabFileError) as raised:
        config.parse(text, name)
    return list(raised.value.problems)


def vms(*tables: str) -> str:
    return "\n".join(f'[[vm]]\nname = "vm{number}"\n{table}' for number, table in enumerate(tables, 1))


def with_wire(text: str, wire: str = "") -> str:
    return f"{text}\n[wire]\n{wire}"
