"""Whether a folder of rule files may become the active bundle: its rules, their cases, and the engine that serves."""

from policy_service.decisions.answers.evaluate import Evaluator
from policy_service.decisions.rule_tests.cases import read_cases
from policy_service.diagnostics import Diagnostic, Report, Span
from policy_service.diagnostics.catalogue import PEN_REFUSED
from policy_service.engines.contract import EngineRefused
from policy_service.engines.registry import engine
from policy_service.policies.bundle import Bundle
from policy_service.policies.loader import Sources

_SERVES = "rete"


def check(
    found: Bundle | None, diagnostics: list[Diagnostic], sources: Sources, folder: str = "rules"
) -> list[Diagnostic]:
    """Every diagnostic, sorted: those of loading, given, with those of the cases and of the engine.

    Args:
        found: the bundle of the sources; null where loading found errors.
    """
    report = Report(list(diagnostics))
    read_cases(sources, folder, found.rules if found is not None else None, report)
    if found is not None:
        report.extend(engine_faults(found, folder))
    return report.sorted()


def engine_faults(found: Bundle, folder: str) -> list[Diagnostic]:
    """What the engine that serves cannot hold of a bundle."""
    report = Report()
    try:
        Evaluator(found, engine(_SERVES)).try_all()
    except EngineRefused as refusal:
        report.add(
            PEN_REFUSED,
            Span(folder, 1, 1, 2),
            f"the engine cannot hold the rules {refusal}",
            hint="split a table or condition that tests very many values",
        )
    return report.diagnostics


def errors(diagnostics: list[Diagnostic]) -> list[Diagnostic]:
    """Those that keep a bundle from being used."""
    return [one for one in diagnostics if one.severity == "error"]
