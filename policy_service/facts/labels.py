"""Texts in two languages as rule files write them, and the reserved names."""

from collections.abc import Mapping

from policy_service.diagnostics import Report, Span
from policy_service.diagnostics.catalogue import KEY_MISSING, TEXT_MISSING
from policy_service.language.tokens import KEYWORDS
from policy_service.sources import Form, Node
from policy_service.sources import Mapping as MappingNode
from policy_service.sources import Sequence as SequenceNode

RESERVED = ("as_of", "campaign", "this", "row", "item", "decision", *KEYWORDS)
"""Names that already mean something in an expression."""
Labels = Mapping[str, str]
"""A text in each of zh and en."""


def read_labels(node: Node | None, what: str, report: Report, span: Span, key: str = "text") -> Labels:
    """Read a text in zh and en; a missing one is reported.

    Args:
        what: whose text it is, for messages.
        key: the key with the text; empty where the node belongs to no fixed key.
    """
    whole = f"`{key}` of {what}" if key else what
    if node is None:
        report.add(KEY_MISSING, span, f"{what} lacks `{key}`", hint="write `{zh: …, en: …}`")
        return {}
    if not isinstance(node, MappingNode):
        report.add(TEXT_MISSING, node.span, f"{whole} needs zh and en", hint="write `{zh: …, en: …}`")
        return {}
    form = Form(node, whole, report, node.span, ("zh", "en"))
    found = {
        tongue: text.value
        for tongue in ("zh", "en")
        if (text := form.text(tongue)) and text.value.strip() and not text.is_null
    }
    for tongue in ("zh", "en"):
        if tongue not in found and not isinstance(node.get(tongue), SequenceNode | MappingNode):
            report.add(TEXT_MISSING, node.span, f"{whole} lacks `{tongue}`")
    return found
