"""Texts in zh and en that may hold `{expression}`."""

from policy_service.diagnostics import Report, Span
from policy_service.diagnostics.catalogue import VALUE_INVALID
from policy_service.facts.labels import read_labels
from policy_service.language.parser import parse_expression
from policy_service.policies.drafts import DraftExpression, DraftTemplate, DraftTexts
from policy_service.sources import Mapping, Node, Text


def read_texts(node: Node | None, what: str, report: Report, span: Span) -> DraftTexts:
    """The templates by tongue."""
    read_labels(node, what, report, span, "text")
    if not isinstance(node, Mapping):
        return {}
    return {
        key.value: _template(value, report)
        for key, value in node
        if isinstance(value, Text) and key.value in ("zh", "en")
    }


def by_row(node: Node | None, *, each: bool) -> list[tuple[str, Node]]:
    """The text node of each row id where an answer is given for `each` row, else the only one under ``""``."""
    if node is None:
        return []
    if not each or not isinstance(node, Mapping) or node.get("zh") or node.get("en"):
        return [("", node)]
    return [(key.value, value) for key, value in node]


def _template(text: Text, report: Report) -> DraftTemplate:
    parts: list[str | DraftExpression] = []
    at, value = 0, text.value
    while (start := value.find("{", at)) >= 0:
        end = _closing(value, start)
        if end < 0:
            _report_open(text, start, report)
            break
        if start > at:
            parts.append(value[at:start])
        tree = parse_expression(value[start + 1 : end], text.origin.slice(start + 1, end), report)
        if tree is not None:
            parts.append(DraftExpression(tree, text.origin.span(start + 1, end)))
        at = end + 1
    if at < len(value):
        parts.append(value[at:])
    return DraftTemplate(tuple(parts))


def _report_open(text: Text, start: int, report: Report) -> None:
    hint = "an expression in a text stands in `{…}`"
    report.add(VALUE_INVALID, text.origin.span(start, start + 1), "`{` is never closed", hint=hint)


def _closing(value: str, start: int) -> int:
    """Offset of the brace that closes the one at start; braces in strings do not count."""
    depth, in_string = 0, False
    for at in range(start, len(value)):
        char = value[at]
        if char == '"' and not (in_string and _is_escaped(value, at)):
            in_string = not in_string
        elif not in_string:
            depth += (char == "{") - (char == "}")
            if depth == 0:
                return at
    return -1


def _is_escaped(value: str, at: int) -> bool:
    before = value[:at]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1
