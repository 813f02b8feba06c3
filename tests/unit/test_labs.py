"""The labs that we ship, and the JSON Schema that describes them."""

import tomllib
from pathlib import Path

import jsonschema
import pytest

from vmdqemu import config
from vmdqemu.config_schema import toml_schema

LABS = sorted((Path(__file__).parents[2] / "netns" / "labs").glob("*.toml"))
EACH_LAB = pytest.mark.parametrize("file", LABS, ids=lambda file: file.stem)


@EACH_LAB
def test_every_lab_loads_and_agrees_with_the_schema(file: Path) -> None:
    config.load(file)
    jsonschema.validate(tomllib.loads(file.read_text()), toml_schema(config.LabConfig))


@EACH_LAB
def test_every_lab_says_its_idea_in_the_first_line(file: Path) -> None:
    assert file.read_text().startswith("# ")


def test_labs_have_names_of_their_own_so_that_they_run_side_by_side() -> None:
    assert len({config.load(file).name for file in LABS}) == len(LABS) > 0
