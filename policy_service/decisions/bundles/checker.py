"""The process that checks one bundle: rule files as JSON on standard input, what was found as JSON on standard output.

It is begun by `apart`, and bounds itself before it reads a byte of what was posted.
"""

import json
import resource
import signal
import sys
import traceback
from collections.abc import Sequence
from typing import Any

from policy_service.decisions.bundles.checking import checked, errors
from policy_service.decisions.bundles.results import BundleInvalid
from policy_service.diagnostics import Diagnostic
from policy_service.diagnostics.plain_data import as_plain
from policy_service.engines import registry

FAILED, OUT_OF_MEMORY = 1, 3
MOST_TOLD = 1000
"""Diagnostics that are given back, errors first."""
_MOST_WRITTEN = 64 * 1024 * 1024


def main(seconds: int, mebibytes: int) -> int:
    """The exit status.

    Args:
        seconds: of the processor; the system then ends the process, also where nobody waits for it any more.
        mebibytes: of address space.
    """
    try:
        for name in registry.keeping("online"):
            registry.engine(name)  # what it loads is no part of what the check takes
        _bound(seconds, mebibytes)
        json.dump(_found(json.load(sys.stdin)), sys.stdout)
        sys.stdout.flush()
    except (MemoryError, SystemError):  # CPython also raises SystemError where a call of its own got no memory
        return OUT_OF_MEMORY
    except Exception as error:  # noqa: BLE001  a fault of ours; its message may quote what was posted
        sys.stderr.write("\n".join([type(error).__name__, *traceback.format_tb(error.__traceback__)]))
        return FAILED
    return 0


def _bound(seconds: int, mebibytes: int) -> None:
    signal.signal(signal.SIGXCPU, signal.SIG_DFL)
    memory = mebibytes * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))  # at the first of the two it is SIGXCPU
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_MOST_WRITTEN, _MOST_WRITTEN))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _found(sources: dict[str, str]) -> dict[str, Any]:
    try:
        found = checked(sources)
    except BundleInvalid as invalid:
        return {"id": None, "label": None, **_told(invalid.diagnostics)}
    return {"id": found.id, "label": found.label, **_told(found.warnings)}


def _told(diagnostics: Sequence[Diagnostic]) -> dict[str, Any]:
    first = sorted(diagnostics, key=lambda one: one.severity != "error")[:MOST_TOLD]
    return {"errors": len(errors(list(diagnostics))), "diagnostics": [as_plain(one) for one in first]}


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
