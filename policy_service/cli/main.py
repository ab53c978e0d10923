"""`policyctl`, and the commands it has; each is loaded when it is called."""

import io
import sys
from importlib import import_module

import click

from policy_service import __version__
from policy_service.settings import SettingInvalid

_COMMANDS = (
    "audit",
    "bundle",
    "check",
    "compare",
    "decisions",
    "evaluate",
    "explain",
    "inventory",
    "judged",
    "keys",
    "replay",
    "resume",
    "serve",
    "stop",
    "test",
    "trail",
)
"""Each is a module of this package with a command of the same name."""


class _Commands(click.Group):
    """Commands by name, imported one at a time, so that the one that is called starts fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  the signature is click's
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  likewise
        if cmd_name not in _COMMANDS:
            return None
        found: click.Command = getattr(import_module(f"policy_service.cli.{cmd_name}"), cmd_name)
        return found

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except SettingInvalid as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="policyctl", message="%(prog)s %(version)s")
def main() -> None:
    """Check, test, explain and serve policies that are written as rule files.

    Exit status: 0 done, 1 an error was found in rules, input or cases, 2 a wrong command line.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that lacks a sign gets its number, not a traceback
            stream.reconfigure(errors="backslashreplace")
