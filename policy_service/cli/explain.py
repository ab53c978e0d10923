"""`policyctl explain`: an answer for a person to read."""

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import click

from policy_service.cli import requests
from policy_service.cli.folder import bundle_of, rules_option
from policy_service.cli.terminal import format_option, wrapped, write_json
from policy_service.cli.tongue import lang_option, tongue
from policy_service.decisions.deciding.previewing import previewing
from policy_service.decisions.explaining.explain import Explained, Explanation, Point
from policy_service.decisions.explaining.explain import explain as explanation_of
from policy_service.decisions.explaining.words import WORD, Tongue, word
from policy_service.engines.registry import engine
from policy_service.settings import read_settings

_WIDEST = 100


@click.command()
@requests.file_argument
@rules_option
@lang_option
@format_option
def explain(file: BinaryIO, folder: Path, lang: str | None, form: str) -> None:
    """Say in words what the request in FILE would be granted, what not, and why.

    Nothing is recorded. With `--format json` the preview itself, with the trace `full`.
    """
    settings = read_settings()
    bundle = bundle_of(folder)
    served = previewing(bundle, engine(settings.engine))
    with requests.reporting_faults(form):
        request = requests.read(file, served, settings.max_depth, {"purpose": "preview", "options": {"trace": "full"}})
        evaluator, state, question = served.resolver.resolve(request)
    if form == "json":
        write_json(evaluator.evaluate(state, question))
        return
    # As a decision would read, with its claim keys; words are no answer that can be paid.
    answer = evaluator.evaluate(state, replace(question, purpose="decide"))
    words = tongue(lang)
    _write(explanation_of(bundle.rules, answer, request.facts, words), words)


def _write(explanation: Explanation, lang: Tongue) -> None:
    columns = min(shutil.get_terminal_size((_WIDEST, 24)).columns, _WIDEST)
    for indent, text in _lines(explanation, lang):
        for line in wrapped(text, columns, " " * indent):
            click.echo(line)


def _lines(explanation: Explanation, lang: Tongue) -> Iterator[tuple[int, str]]:
    """Every line with its indent."""
    yield 0, explanation.heading
    yield 0, word(WORD, "preview", lang)
    for policy in explanation.policies:
        yield 0, ""
        yield from _policy(policy, lang)
    if explanation.advice:
        yield 0, ""
        yield 0, word(WORD, "advice", lang)
        for number, point in enumerate(explanation.advice, start=1):
            yield from _point(replace(point, text=f"{number}. {point.text}"), 2)


def _policy(policy: Explained, lang: Tongue) -> Iterator[tuple[int, str]]:
    yield 0, policy.heading
    yield from ((2, note) for note in policy.notes)
    yield from _points(word(WORD, "granted", lang), policy.granted)
    yield from _points(word(WORD, "refused", lang), policy.refused)
    for point in policy.decided:
        yield from _point(point, 2)


def _points(heading: str, points: Iterable[Point]) -> Iterator[tuple[int, str]]:
    for index, point in enumerate(points):
        if index == 0:
            yield 2, heading
        yield from _point(point, 4)


def _point(point: Point, indent: int) -> Iterator[tuple[int, str]]:
    yield indent, point.text
    yield from ((indent + 2, line) for line in (*point.terms, *point.because))
