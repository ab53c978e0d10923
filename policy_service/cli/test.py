"""`policyctl test`: the cases of the rule files, on every engine."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

import click

from policy_service import canonical
from policy_service.authoring.checking import Check
from policy_service.cli.folder import as_objects, check_of, is_error, rules_option, tell
from policy_service.cli.terminal import counted, format_option, found_errors, progress, write_json
from policy_service.decisions.answers.evaluate import Evaluator
from policy_service.decisions.rule_tests.caseruns import CaseResult, Failure, run
from policy_service.decisions.rule_tests.cases import Case
from policy_service.diagnostics import Diagnostic, PolicyError, Span
from policy_service.engines import registry
from policy_service.policies.bundle import Bundle
from policy_service.policies.loader import Sources, read_folder
from policy_service.policies.narrowing import narrowed


@click.command()
@rules_option
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("-k", "name", metavar="TEXT", help="Only cases with this text in their name.")
@click.option(
    "--engine", type=click.Choice([*registry.NAMES, "all"]), default="all", show_default=True,
    help="The engine that runs them; all also compares whole answers.",
)  # fmt: skip
@format_option
def test(folder: Path, paths: tuple[Path, ...], name: str | None, engine: str, form: str) -> None:
    """Run the cases of the rule files.

    PATHS, from where you are, lead to case files, policy files or folders of the rules folder; all of it without.
    """
    bundle, cases = _cases(folder, paths, form)
    chosen = [case for case in cases if (name or "").lower() in case.name.lower()]
    if not chosen and (paths or name):
        raise click.UsageError("no case is in these files, or has this text in its name")
    engines = registry.NAMES if engine == "all" else (engine,)
    results = list(_results(bundle, chosen, engines))
    failed = [result for result in results if not result.passed]
    if form == "json":
        counts = {"cases": len(results), "passed": len(results) - len(failed), "failed": len(failed)}
        write_json({**counts, "engines": list(engines), "failures": [o for f in failed for o in _objects(f)]})
    else:
        for result in failed:
            click.echo("\n".join(_lines(result)))
        click.echo(f"{counted(len(results) - len(failed), 'case')} passed, {len(failed)} failed")
    if failed:
        raise found_errors()


def _results(bundle: Bundle, cases: Sequence[Case], engines: Sequence[str]) -> Iterator[CaseResult]:
    """What became of each case. Those of one policy stand together: it is compiled with what it needs, and no more."""
    loaded = {name: registry.engine(name) for name in engines}
    for policy, own in groupby(progress(cases, "cases"), key=lambda case: case.policy):
        part = replace(bundle, rules=narrowed(bundle.rules, [policy]))
        evaluators = {name: Evaluator(part, engine) for name, engine in loaded.items()}
        yield from (run(case, evaluators) for case in own)


def _cases(folder: Path, paths: Sequence[Path], form: str) -> tuple[Bundle, list[Case]]:
    """The cases of some files, and their policies; nothing runs on a folder with errors: they are told instead."""
    sources, errors, check = _checked(folder)
    if check is not None and not errors:
        rules, cases = check.cases([one for one in check.folder.case_files if _is_below(folder / one, paths)])
        return Bundle("", rules, sources), cases
    if form == "json":
        write_json({"diagnostics": as_objects(errors)})
    else:
        tell(folder, errors, sources, err=False)
    raise found_errors()


def _checked(folder: Path) -> tuple[Sources, list[Diagnostic], Check | None]:
    """The sources of the folder, its errors, and the check that found them; null where files cannot be read."""
    try:
        sources = read_folder(folder)
    except PolicyError as error:
        return {}, [d for d in error.report.sorted() if is_error(d)], None
    check = check_of(folder, sources, engine=False)
    return sources, [d for d in check.run().diagnostics if is_error(d)], check


def _is_below(case_file: Path, paths: Sequence[Path]) -> bool:
    """Whether a case file is, or stands below, one of the paths; a policy file stands for the cases beside it."""
    if not paths:
        return True
    file = case_file.resolve()
    found = [p.resolve() for p in paths]
    beside = [p.with_name(p.name.removesuffix(".yaml").partition("@")[0] + ".test.yaml") for p in found]
    return any(file.is_relative_to(p) or file == b for p, b in zip(found, beside, strict=True))


# ---- failures


def _lines(result: CaseResult) -> Iterator[str]:
    for failure, engines in _grouped(result):
        yield f"{failure.expectation.span}: {result.case.name}"
        expected, got = _text(failure.expectation.value), _text(failure.got)
        yield f"    {_what(failure)}: expected {expected}, got {got} ({', '.join(engines)})"
    for (one, two), differences in result.differences.items():
        yield f"{result.case.span}: {result.case.name}"
        for found in differences:
            yield f"    {found.pointer}: {one} answers {_text(found.recorded)}, {two} {_text(found.replayed)}"


def _objects(result: CaseResult) -> Iterator[dict[str, Any]]:
    for failure, engines in _grouped(result):
        found = {"what": _what(failure), "expected": failure.expectation.value, "got": failure.got, "engines": engines}
        yield _place(result.case, failure.expectation.span) | found
    for (one, two), differences in result.differences.items():
        for difference in differences:
            answers = {one: difference.recorded, two: difference.replayed}
            yield _place(result.case, result.case.span) | {"pointer": difference.pointer, "answers": answers}


def _place(case: Case, span: Span) -> dict[str, Any]:
    return {"case": case.name, "policy": case.policy, "file": span.file, "line": span.line, "column": span.column}


def _grouped(result: CaseResult) -> Iterable[tuple[Failure, list[str]]]:
    """Each failure once, with the engines that agree on it."""
    found: dict[tuple[Span, bytes], tuple[Failure, list[str]]] = {}
    for engine, failures in result.failures.items():
        for failure in failures:
            key = failure.expectation.span, canonical.trusted(failure.got)
            found.setdefault(key, (failure, []))[1].append(engine)
    return found.values()


def _what(failure: Failure) -> str:
    expectation = failure.expectation
    return f"rows of {expectation.key}" if expectation.kind == "rows" else expectation.key


def _text(value: Any) -> str:
    return canonical.trusted(value).decode()
