"""The types of columns, from those of their cells."""

from collections.abc import Iterable

from policy_service.diagnostics import Report
from policy_service.diagnostics.catalogue import UNIT_MISMATCH
from policy_service.language import types
from policy_service.policies.model import Expression


def joined(kinds: list[types.Type], cells: Iterable[Expression | None], report: Report) -> list[types.Type]:
    """The types of columns that held `kinds` so far, with one more cell each."""
    out = []
    for kind, cell in zip(kinds, cells, strict=True):
        found = types.union(kind, cell.type) if cell is not None else kind
        if found is None and cell is not None and not isinstance(kind, types.Enum):
            report.add(UNIT_MISMATCH, cell.span, "the cells of one column have different units")
        out.append(found or kind)
    return out


def settled(found: types.Type, declared: types.Type) -> types.Type:
    """The type of a column: that of its cells; the declared one where all are null, or for texts and enumerations."""
    return declared if isinstance(found, types.Null) or isinstance(declared, types.Text | types.Enum) else found
