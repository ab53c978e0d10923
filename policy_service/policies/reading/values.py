"""The parts that every rule file shares: names, basis and source, expressions."""

from policy_service.diagnostics import Report
from policy_service.diagnostics.catalogue import NAME_CLASH, VALUE_INVALID
from policy_service.facts.labels import RESERVED
from policy_service.language.parser import parse_expression
from policy_service.language.tokens import report_full_width
from policy_service.policies.drafts import DraftExpression, Written
from policy_service.policies.model import Basis, Source
from policy_service.sources import NAME, Form, Text

NO_NAME_HINT = "names are lower case: `[a-z][a-z0-9_]*`"


def written(text: Text) -> Written:
    return Written(text.value, text.span)


def written_or_none(text: Text | None) -> Written | None:
    return None if text is None else written(text)


def read_source(form: Form) -> Source | None:
    """`source: {seed, section}`: where a stated number is from."""
    return {name: text.value for name, text in form.texts("source").items()} or None


def read_basis(form: Form) -> Basis | None:
    """Whether constants are stated or assumed; None where that is not said."""
    word = form.word("basis", ("stated", "assumed"))
    return "stated" if word == "stated" else "assumed" if word == "assumed" else None


def read_expression(text: Text | None, report: Report) -> DraftExpression | None:
    if text is None:
        return None
    tree = parse_expression(text.value, text.origin, report)
    return DraftExpression(tree, text.span) if tree is not None else None


def checked_name(text: Text, report: Report) -> str:
    """The name; a fault where it is not well formed."""
    if not NAME.fullmatch(text.value):
        half = report_full_width(text.value, text.origin, report)
        if half == text.value:
            report.add(VALUE_INVALID, text.span, f"`{text.value}` is not a name", hint=NO_NAME_HINT)
    return text.value


def new_name(text: Text, report: Report) -> str:
    """A name that expressions may use; a fault where it is not well formed, or is a word of the language."""
    if text.value in RESERVED:
        report.add(NAME_CLASH, text.span, f"`{text.value}` already has a meaning in expressions")
    return checked_name(text, report)
