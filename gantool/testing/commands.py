"""Checks of commands. No torch."""

from __future__ import annotations

import click
from click.testing import CliRunner

from .subject import Subject


def check_has_a_page_of_help(subject: Subject) -> None:
    """`factory` names a `click.Command`, which prints its help."""
    command = subject.factory()
    subject.require(isinstance(command, click.Command), f"factory names a {type(command).__name__}, not a click.Command")
    assert isinstance(command, click.Command)
    result = CliRunner().invoke(command, ["--help"], prog_name=subject.provided.record.name)
    subject.require(result.exit_code == 0, f"--help ends with exit code {result.exit_code}: {result.exception!r}")


CHECKS = {"command": (check_has_a_page_of_help,)}
