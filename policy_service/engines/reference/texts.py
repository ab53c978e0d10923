"""Texts with the values of their expressions."""

from decimal import Decimal
from typing import Any

from policy_service import canonical
from policy_service.engines.answer import Wording
from policy_service.engines.reference.interpret import Scope, evaluate
from policy_service.engines.reference.values import shown
from policy_service.language.format import number_text
from policy_service.policies.model import Template, Texts


def filled(texts: Texts, scope: Scope) -> Wording:
    """The text in each tongue."""
    return {"zh": _filled(texts["zh"], scope), "en": _filled(texts["en"], scope)}


def _filled(template: Template, scope: Scope) -> str:
    parts = (part if isinstance(part, str) else _written(evaluate(part.tree, scope)) for part in template.parts)
    return "".join(parts)


def _written(value: Any) -> str:
    """Canonical JSON without quotes; null is a dash."""
    match shown(value):
        case None:
            return "–"
        case str() as text:
            return text
    return number_text(value) if isinstance(value, Decimal) else canonical.trusted(shown(value)).decode()
