"""Who decides the states, each with its inputs ready, and whether they agree."""

from typing import Any

import bare_rete
import plain
import zen_call
from measure import Contender
from outcome import Outcome, differences, of_answer, rows_of_answer
from states import AS_OF, Facts
from subject import Service

OURS, OURS_UNTRACED, PLAIN, BARE = "ours, trace fired", "ours, trace none", "plain Python", "durable-rules bare"
ZEN_TEXT, ZEN_DICT, ZEN_TRACED, ZEN_ONE = "zen, JSON text", "zen, dict", "zen, JSON text, trace", "zen, no tables"
_DAY = AS_OF.isoformat()
_RELATIONS = ("requirements", "tasks")


def ours(subject: Service, facts: list[Facts]) -> Contender:
    """The service, as it answers unless asked otherwise."""
    question = subject.question("fired")
    return Contender(OURS, lambda one: subject.decide(one, question), facts)


def compared(subject: Service, facts: list[Facts]) -> tuple[list[Contender], dict[str, list[str]]]:
    """All contenders, ours first; and for each kind of them in what its answers differ from ours."""
    untraced = subject.question("none")
    bare, zen = bare_rete.BareRete(), zen_call.Zen()
    flat = [bare_rete.texts(one) for one in facts]
    texts = [zen_call.as_text(one, _DAY) for one in facts]
    dicts = [zen_call.as_dict(one, _DAY) for one in facts]
    contenders = [
        ours(subject, facts),
        Contender(OURS_UNTRACED, lambda one: subject.decide(one, untraced), facts),
        Contender(PLAIN, lambda one: plain.decide(one, _DAY), facts),
        Contender(BARE, bare.match, flat),
        Contender(ZEN_TEXT, zen.tables, texts),
        Contender(ZEN_DICT, zen.tables, dicts),
        Contender(ZEN_TRACED, zen.traced, texts),
        Contender(ZEN_ONE, zen.one_node, texts),
    ]
    answers = [contenders[0].call(one) for one in facts]
    expected = [of_answer(answer) for answer in answers]
    wrong = {
        PLAIN: _wrong(expected, [_plain(one) for one in facts]),
        BARE: [
            f"rows: {a ^ b}" for a, b in zip(map(rows_of_answer, answers), map(bare.rows, flat), strict=True) if a != b
        ],
    }
    for contender in contenders[4:]:
        found = [_zen(contender.call(one), own) for one, own in zip(contender.inputs, expected, strict=True)]
        wrong[contender.name] = _wrong(expected, found)
    return contenders, wrong


def _wrong(expected: list[Outcome], found: list[Outcome]) -> list[str]:
    pairs = (differences(one, other) for one, other in zip(expected, found, strict=True))
    return ["; ".join(parts) for parts in pairs if parts]


def _plain(facts: Facts) -> Outcome:
    found = plain.decide(facts, _DAY)
    return Outcome(
        found["statuses"],
        found["decisions"],
        sorted(found["rewards"]),
        sorted(found["not_granted"]),
        sorted(found["recommendations"]),
    )


def _zen(answer: dict[str, Any], own: Outcome) -> Outcome:
    relations = {
        policy: {name: value for name, value in values.items() if name in _RELATIONS}
        for policy, values in own.decisions.items()
    }
    return zen_call.outcome(answer, relations)
