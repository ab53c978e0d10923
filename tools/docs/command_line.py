"""`policyctl` from click's own help."""

import click
from click.testing import CliRunner

from policy_service.cli.main import main
from tools.docs.markdown import fence, sections, table

_COLUMNS = 100


def overview() -> str:
    """The commands with their first sentence."""
    rows = [[f"[`{name}`](#policyctl-{name})", command.get_short_help_str(200)] for name, command in commands()]
    return table(["command", "does"], rows)


def reference() -> str:
    """The help of every command, as a terminal shows it."""
    parts = [f"### policyctl {name}\n\n{fence(_help(name))}" for name, _ in commands()]
    return sections(*parts)


def commands() -> list[tuple[str, click.Command]]:
    context = click.Context(main, info_name="policyctl")
    found = [(name, main.get_command(context, name)) for name in main.list_commands(context)]
    return [(name, command) for name, command in found if command is not None]


def _help(name: str) -> str:
    shown = CliRunner().invoke(main, [name, "--help"], prog_name="policyctl", terminal_width=_COLUMNS)
    return shown.output
