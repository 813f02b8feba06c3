"""A group of commands: how all of them look, and the one command that most of them have."""

import typer

from vmdqemu.cli.options import AsJson, LabName


def group(about: str | None = None) -> typer.Typer:
    """A group without commands yet; about: one line of help, None if its commands stand on their own."""
    return typer.Typer(help=about, no_args_is_help=True, rich_markup_mode=None)


def add_reading(app: typer.Typer, name: str, method: str, about: str) -> None:
    """A command that prints what a lab's daemon answers to `method`."""

    @app.command(name, help=about)
    def read(lab: LabName = None, as_json: AsJson = False) -> None:
        from vmdqemu.cli import reading

        reading.read(method, lab, as_json)


def given(**asked: object) -> dict[str, object]:
    """Those options that were used."""
    return {name: value for name, value in asked.items() if value is not None}
