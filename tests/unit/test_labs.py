"""The labs that we ship, and the JSON Schema that describes them."""

import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from vmdqemu import config

LABS = sorted((Path(__file__).parents[2] / "netns" / "labs").glob("*.toml"))
EACH_LAB = pytest.mark.parametrize("file", LABS, ids=lambda file: file.stem)


@EACH_LAB
def test_every_lab_loads_and_agrees_with_the_schema(file: Path) -> None:
    config.load(file)
    jsonschema.validate(tomllib.loads(file.read_text()), config.json_schema())


@EACH_LAB
def test_every_lab_says_its_idea_in_the_first_line(file: Path) -> None:
    assert file.read_text().startswith("# ")


def test_labs_have_names_of_their_own_so_that_they_run_side_by_side() -> None:
    assert len({config.load(file).name for file in LABS}) == len(LABS) > 0


def test_the_schema_is_one_itself() -> None:
    jsonschema.Draft202012Validator.check_schema(config.json_schema())


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
        jsonschema.validate(document, config.json_schema())
