"""Static checks of loaded rules, one per file.

Each module of this folder has `check(rules, report)`, which reports what it finds; a new check is a new module. A check
runs on rules without an error, unless its module sets `ON_FAULTY_RULES`: then it also runs on what could be built.
"""

from collections.abc import Callable, Iterator
from importlib import import_module
from pkgutil import iter_modules

from policy_service.diagnostics import Report
from policy_service.policies.model import Rules

Check = Callable[[Rules, Report], None]


def _found(*, on_faulty_rules: bool) -> Iterator[Check]:
    for info in iter_modules(__path__, f"{__name__}."):
        module = import_module(info.name)
        if getattr(module, "ON_FAULTY_RULES", False) == on_faulty_rules:
            yield module.check


_ALWAYS, _ON_SOUND_RULES = tuple(_found(on_faulty_rules=True)), tuple(_found(on_faulty_rules=False))


def run(rules: Rules, report: Report) -> None:
    """All checks; each reports what it finds."""
    for check in _ALWAYS:
        check(rules, report)
    if report.has_errors:
        return
    for check in _ON_SOUND_RULES:
        check(rules, report)
