"""The request in a file, checked as the body of an HTTP request is, and its faults printed."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, BinaryIO

import click

from policy_service.cli.terminal import found_errors
from policy_service.decisions.deciding.resolving import EvaluateRequest
from policy_service.decisions.deciding.service import PolicyService
from policy_service.decisions.ports.records import StoreUnavailable
from policy_service.diagnostics import Fault, InvalidInput
from policy_service.diagnostics.catalogue import BY_CODE
from policy_service.problems import kinds
from policy_service.problems.bodies import body
from policy_service.problems.refused import Refused, refusal_of
from policy_service.requests.evaluation import posted_request
from policy_service.requests.posted import parse

file_argument = click.argument("file", type=click.File("rb"))


def read(file: BinaryIO, served: PolicyService, most_deep: int, overrides: Mapping[str, Any]) -> EvaluateRequest:
    """The request in a file, some of its keys replaced by those of the command line.

    Args:
        overrides: as they would stand in the body; those below `options` join the others there.
    Raises:
        Refused: it is not JSON that can be trusted.
        InvalidInput: with every fault of the request.
    """
    posted = parse(file.read(), most_deep)
    if isinstance(posted.value, dict):
        value = {**posted.value, **overrides}
        below = posted.value.get("options")
        if isinstance(below, dict) and "options" in overrides:
            value["options"] = {**below, **overrides["options"]}
        posted = replace(posted, value=value)
    return posted_request(posted, served)


@contextmanager
def reporting_faults(form: str) -> Iterator[None]:
    """Prints faults raised inside on standard error, as text or as the problem of HTTP; then the command ends."""
    try:
        yield
    except (Refused, InvalidInput) as error:
        raise _exit_with(form, refusal_of(error)) from error
    except StoreUnavailable as error:
        raise _exit_with(form, Refused(kinds.STORE, f"the store cannot be used: {error}")) from error


def _exit_with(form: str, refusal: Refused) -> click.exceptions.Exit:
    if form == "json":
        click.echo(body(refusal.kind, refusal.detail, refusal.faults), err=True)
    else:
        click.echo("\n".join(map(_line, refusal.faults)) or f"error: {refusal.detail}", err=True)
    return found_errors()


def _line(fault: Fault) -> str:
    code = BY_CODE.get(fault.code)
    text = f"{fault.pointer or 'the body'}: error {code or fault.code}: {fault.message}"
    return f"{text}\n   hint: {fault.hint}" if fault.hint else text
