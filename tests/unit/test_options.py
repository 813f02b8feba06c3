"""Options that many commands have are spelled alike."""

import typer
from typer.testing import CliRunner

from vmdqemu.cli.options import AsJson, LabName

app = typer.Typer()


@app.command()
def show(lab: LabName = None, as_json: AsJson = False) -> None:
    print(lab, as_json)


def test_lab_and_json_have_their_spellings_and_may_be_left_out() -> None:
    for arguments, printed in (
        ([], "None False"),
        (["--lab", "a", "-j"], "a True"),
        (["--json"], "None True"),
    ):
        assert CliRunner().invoke(app, arguments).stdout.strip() == printed
