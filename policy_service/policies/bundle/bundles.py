"""A frozen set of policies with its id: the digest of all that can reach an answer or a proof."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from policy_service import canonical
from policy_service.diagnostics import Diagnostic, PolicyError
from policy_service.policies.bundle.document import document
from policy_service.policies.loader import Sources, load, read_folder
from policy_service.policies.model import Rules


@dataclass(frozen=True, eq=False)
class Bundle:
    """Rules, their id and the sources they were read from."""

    id: str
    rules: Rules
    sources: Sources

    @property
    def label(self) -> str | None:
        return self.rules.settings.label


def bundle(
    sources: Sources, folder: str = "rules", *, parameters: Sources | None = None
) -> tuple[Bundle | None, list[Diagnostic]]:
    """The bundle of a folder's sources, or None when there is an error; and every diagnostic.

    Args:
        parameters: other rule files, whose dated values take the place of those in `sources`.
    """
    rules, diagnostics = load(sources, folder, parameters=parameters)
    return (None if rules is None else bundle_of(rules, sources)), diagnostics


def bundle_of(rules: Rules, sources: Sources) -> Bundle:
    """The bundle of rules that the sources give."""
    return Bundle(_digest(document(rules)), rules, dict(sources))


def stored(sources: Sources, id_: str) -> Bundle | None:
    """The bundle of sources under the id that they were stored by; None where they do not give it."""
    found, _ = bundle(sources)
    return replace(found, id=id_) if found is not None and id_ in (found.id, former_id(found.rules)) else None


def former_id(rules: Rules) -> str:
    """The id that earlier stores and records hold a bundle by: the order of sections and facts counted then."""
    return _digest(_former(document(rules)))


def _former(whole: dict[str, Any]) -> dict[str, Any]:
    sections = [
        {"section": name, **section, "facts": [{"name": fact, **said} for fact, said in section["facts"].items()]}
        for name, section in whole["facts"].items()
    ]
    return {**whole, "facts": sections}


def model_of(found: Bundle) -> bytes:
    """The canonical JSON that the id of a bundle is the digest of; under a former id the one that gives that."""
    whole = document(found.rules)
    model = canonical.trusted(whole)
    return model if canonical.digest(model) == found.id else canonical.trusted(_former(whole))


def id_of(frame: bytes, policies: Iterable[bytes]) -> str:
    """The id of a bundle whose document is a frame and these policies, in their order: by id, then period."""
    return canonical.digest(canonical.joined(frame, "policies", policies))


def _digest(whole: dict[str, Any]) -> str:
    return canonical.digest(canonical.trusted(whole))


def load_folder(folder: Path) -> tuple[Bundle | None, list[Diagnostic], dict[str, str]]:
    """The bundle of a rules folder, its diagnostics, and its sources; none of them where files cannot be read."""
    try:
        sources = read_folder(folder)
    except PolicyError as error:
        return None, error.report.sorted(), {}
    found, diagnostics = bundle(sources, folder.as_posix())
    return found, diagnostics, sources
