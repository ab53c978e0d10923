"""`policyctl` from click's own help."""

from collections.abc import Iterator

import click
from click.testing import CliRunner

from policy_service.cli.main import main
from tools.docs.markdown import fence, sections, table

_COLUMNS = 100


def overview() -> str:
    """The commands with their first sentence."""
    rows = [[f"[`{name}`](#{_anchor(name)})", command.get_short_help_str(200)] for name, command in commands()]
    return table(["command", "does"], rows)


def reference() -> str:
    """The help of every command, as a terminal shows it."""
    parts = [f"### policyctl {name}\n\n{fence(_help(name))}" for name, _ in commands()]
    return sections(*parts)


def commands() -> list[tuple[str, click.Command]]:
    """All by their names, those of a group after it: `keys`, `keys create`."""
    return list(_within(main, click.Context(main, info_name="policyctl"), ""))


def _within(group: click.Group, context: click.Context, before: str) -> Iterator[tuple[str, click.Command]]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None:
            continue
        yield f"{before}{name}", command
        if isinstance(command, click.Group):
            yield from _within(command, click.Context(command, context, name), f"{before}{name} ")


def _anchor(name: str) -> str:
    """Where GitHub puts the heading of a command."""
    return f"policyctl-{name.replace(' ', '-')}"


def _help(name: str) -> str:
    shown = CliRunner().invoke(main, [*name.split(), "--help"], prog_name="policyctl", terminal_width=_COLUMNS)
    return shown.output
