"""`policyctl serve`: the HTTP service under gunicorn."""

from dataclasses import replace
from pathlib import Path

import click

from policy_service.cli.folder import rules_option
from policy_service.serving import serve as run
from policy_service.settings import read_settings


@click.command()
@rules_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; without keys a loopback.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 takes a free one.")
@click.option("--workers", type=click.IntRange(1, 64), help="Processes that answer, instead of POLICY_WORKERS.")
@click.pass_context
def serve(ctx: click.Context, folder: Path, host: str, port: int, workers: int | None) -> None:
    """Serve the rules over HTTP until SIGTERM or Ctrl-C."""
    settings = replace(read_settings(), rules=folder)
    ctx.exit(run(settings, host, port, workers or settings.workers))
