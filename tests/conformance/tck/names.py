"""Names of the kit in expressions, and what stands for them in rule files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from policy_service.diagnostics import Report, plain
from policy_service.language.builtins import SPACED_NAMES
from policy_service.language.tokens import Vocabulary, tokenize


@dataclass(frozen=True)
class Known:
    """What a name stands for in rule files; kind as in kinds.KINDS, empty where it is not known."""

    text: str
    kind: str


Scope = Mapping[str, Known]


def renamed(text: str, scope: Scope) -> tuple[str, set[str]]:
    """The text with the names of the scope as rule files write them, and which of these it holds."""
    one_line = " ".join(text.split("\n"))
    tokens = tokenize(one_line, plain(one_line), Vocabulary({*SPACED_NAMES, *scope}), Report(), cell=False) or []
    out, at, uses = [], 0, set()
    for index, token in enumerate(tokens):
        before, after = (tokens[i].type if 0 <= i < len(tokens) else "" for i in (index - 1, index + 1))
        if token.type != "NAME" or token.value not in scope or before == "DOT" or after == "COLON":
            continue
        known = scope[token.value]
        uses.add(known.text)
        out += [one_line[at : token.start_pos], known.text]
        at = token.end_pos or 0
    return "".join([*out, one_line[at:]]), uses
