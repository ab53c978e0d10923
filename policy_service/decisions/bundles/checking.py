"""Checks whether a folder of rule files may become the active bundle: rules, cases, and the engines that serve."""

from collections.abc import Callable
from dataclasses import dataclass

from policy_service.decisions.answers.evaluate import Evaluator
from policy_service.decisions.bundles.results import BundleInvalid
from policy_service.decisions.rule_tests.cases import read_cases
from policy_service.diagnostics import Diagnostic, Report
from policy_service.engines import registry
from policy_service.engines.contracts import EngineRefused
from policy_service.policies.bundle import Bundle, bundle
from policy_service.policies.loader import Sources


@dataclass(frozen=True, slots=True)
class CheckedBundle:
    """Rule files without an error: the id of the bundle that they give, its label, and what is warned of."""

    id: str
    label: str | None
    sources: Sources
    warnings: tuple[Diagnostic, ...] = ()


Checker = Callable[[Sources], CheckedBundle]
"""Checks rule files as `checked` does, here or in a process of its own."""


def checked(sources: Sources) -> CheckedBundle:
    """What `policyctl check` finds.

    Raises:
        BundleInvalid: with every diagnostic.
    """
    found, diagnostics = bundle(sources)
    diagnostics = check(found, diagnostics, sources)
    if found is None or errors(diagnostics):
        raise BundleInvalid(diagnostics)
    return CheckedBundle(found.id, found.label, dict(sources), tuple(diagnostics))


def check(
    found: Bundle | None, diagnostics: list[Diagnostic], sources: Sources, folder: str = "rules"
) -> list[Diagnostic]:
    """Every diagnostic, sorted: those of loading, given, with those of the cases and of the engines.

    Args:
        found: the bundle of the sources; null where loading found errors.
    """
    report = Report(list(diagnostics))
    read_cases(sources, folder, found.rules if found is not None else None, report)
    if found is not None:
        report.extend(engine_faults(found))
    return report.sorted()


def engine_faults(found: Bundle) -> list[Diagnostic]:
    """What the engines that serve refuse of a bundle."""
    faults = []
    for name in registry.keeping("online"):
        try:
            Evaluator(found, registry.engine(name)).try_all()
        except EngineRefused as refusal:
            faults.append(refusal.diagnostic)
    return faults


def errors(diagnostics: list[Diagnostic]) -> list[Diagnostic]:
    """Those that keep a bundle from being used."""
    return [one for one in diagnostics if one.severity == "error"]
