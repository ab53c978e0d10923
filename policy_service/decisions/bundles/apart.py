"""Checks a bundle in a process of its own, within bounds of time and memory.

What was posted may be hostile, and some of the parsers that read it are C. So the process that reads it has no secret
in its environment, and what it says is read as JSON whose shape is checked. It is a fresh process: the fork of one with
threads would keep their locks. When it ends, the memory that the check took is free.
"""

import json
import logging
import os
import re
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from subprocess import Popen, TimeoutExpired
from tempfile import TemporaryFile
from typing import IO, Any

import policy_service
from policy_service.decisions.bundles import checker
from policy_service.decisions.bundles.checking import CheckedBundle
from policy_service.decisions.bundles.results import BundleInvalid, Busy, CheckTooCostly
from policy_service.diagnostics.plain_data import from_plain
from policy_service.policies.loader import Sources

_PACKAGES = str(Path(policy_service.__file__).parents[1])
_KEPT = ("LD_LIBRARY_PATH", "PYTHONHOME", "PYTHONDONTWRITEBYTECODE")
"""What the process needs of the environment to run at all; the URL of the database is not in it."""
_REMEDY = "make the bundle smaller, or have {setting} raised"
_MOST_LOGGED = 4096
_ID = re.compile("sha256:[0-9a-f]{64}")
_LOG = logging.getLogger(__name__)


class CheckFailed(Exception):
    """The process failed: a fault of ours, told in the log."""


class Apart:
    """Checks bundles, each in a process of its own.

    Args:
        seconds: how long a check may take.
        mebibytes: how much memory it may take.
        python: the interpreter.
    """

    def __init__(self, seconds: float, mebibytes: int, *, python: str = sys.executable) -> None:
        self._seconds, self._mebibytes, self._python = seconds, mebibytes, python

    def __call__(self, sources: Sources) -> CheckedBundle:
        """As `checked`, but that of very many diagnostics only the first are told.

        Raises:
            BundleInvalid: with the diagnostics, and how many errors there are.
            CheckTooCostly: the check was ended, since it took too long or too much memory.
            Busy: no process can be begun now.
            CheckFailed.
        """
        with TemporaryFile() as asked, TemporaryFile() as answered, TemporaryFile() as failed:
            asked.write(json.dumps(dict(sources)).encode())
            asked.seek(0)
            status = self._run(asked, answered, failed)
            if status != 0:
                raise self._refusal(status, failed)
            answered.seek(0)
            return _bundle(answered.read(), sources)

    def _run(self, asked: IO[bytes], answered: IO[bytes], failed: IO[bytes]) -> int:
        """The exit status of the process; negative where a signal ended it."""
        # The clock here ends a check in time; the bound on the processor's time ends one that nobody waits for.
        bounds = str(int(self._seconds) + 1), str(self._mebibytes)
        command = [self._python, "-P", "-X", "utf8", "-m", checker.__name__, *bounds]
        try:
            process = Popen(  # noqa: S603  our own module; what was posted is no part of the command
                command, stdin=asked, stdout=answered, stderr=failed, env=_environment(), start_new_session=True
            )
        except OSError as error:
            _LOG.warning("no process for the check of a bundle can be begun: %s", error.strerror)
            raise Busy("no process for the check can be begun now") from error
        with process:
            try:
                return process.wait(self._seconds)
            except TimeoutExpired:
                raise self._too_long() from None
            finally:
                process.kill()

    def _refusal(self, status: int, failed: IO[bytes]) -> Exception:
        if status == -signal.SIGXCPU:
            return self._too_long()
        if status == checker.OUT_OF_MEMORY or status < 0:  # a C library ends the process where it gets no memory
            if status < 0:
                _LOG.warning("the check of a bundle was ended by signal %d", -status)
            remedy = _REMEDY.format(setting="POLICY_CHECK_MEMORY_MB")
            return CheckTooCostly(f"its check takes more than {self._mebibytes} MiB of memory: {remedy}")
        failed.seek(0)
        told = failed.read(_MOST_LOGGED).decode(errors="replace")
        _LOG.error("the check of a bundle failed with status %d: %s", status, told)
        return CheckFailed(f"the process ended with status {status}")

    def _too_long(self) -> CheckTooCostly:
        remedy = _REMEDY.format(setting="POLICY_CHECK_SECONDS")
        return CheckTooCostly(f"its check takes longer than {self._seconds:g} seconds: {remedy}")


def _environment() -> Mapping[str, str]:
    return {name: os.environ[name] for name in _KEPT if name in os.environ} | {"PYTHONPATH": _PACKAGES}


def _bundle(answered: bytes, sources: Sources) -> CheckedBundle:
    """What the process found. Raises BundleInvalid, CheckFailed."""
    try:
        id_, label, errors, diagnostics = _read(json.loads(answered))
    except ValueError as error:
        raise CheckFailed("the process answered with something else") from error
    if id_ is None:
        raise BundleInvalid(diagnostics, errors)
    return CheckedBundle(id_, label, dict(sources), diagnostics)


def _read(value: Any) -> Any:
    """Id, label, number of errors and diagnostics. Raises ValueError where the value is of another shape."""
    match value:
        case {
            "id": str() | None as id_,
            "label": str() | None as label,
            "errors": int(errors),
            "diagnostics": list(told),
        } if _ID.fullmatch(id_) is not None and errors == 0 if id_ is not None else errors > 0:
            return id_, label, errors, tuple(map(from_plain, told))
    raise ValueError("this is not what was found")
