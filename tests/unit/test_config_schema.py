"""The JSON Schema of a lab file is one, and refuses what the parser refuses. The labs we ship: test_labs."""

from typing import Any

import jsonschema
import pytest

from vmdqemu.config import LabConfig
from vmdqemu.config_schema import toml_schema


def test_the_schema_is_one_itself() -> None:
    jsonschema.Draft202012Validator.check_schema(toml_schema(LabConfig))


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"vm": []},
        {"vm": {"name": "vm1"}},
        {"vm": [{"name": "vm1"}], "colour": 1},
        {"vm": [{"name": "vm1", "vlan": 4095}]},
        {"vm": [{"name": "vm1", "vlan": None}]},
        {"vm": [{"name": "vm1", "mac": "02:00"}]},
        {"vm": [{"name": "vm1", "address": 10}]},
        {"vm": [{"name": "-vm"}]},
        {"vm": [{"name": "vm1"}], "adapter": {"ring": 65}},
    ],
)
def test_the_schema_refuses_what_the_parser_refuses(document: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, toml_schema(LabConfig))
