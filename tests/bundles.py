"""Bundles of rule folders, as they are and with a text replaced; and what is compiled of them, shared."""

from pathlib import Path
from shutil import copytree

from policy_service.access import instants
from policy_service.access.trail import TrailEntry
from policy_service.assembly import Assembled
from policy_service.decisions.answers.evaluate import Evaluator
from policy_service.decisions.ports.activations import BundleSources
from policy_service.decisions.ports.acts import Change
from policy_service.policies.bundle import Bundle, bundle, load_folder

_SHIPPED = Path(__file__).parents[1] / "rules"
_COMPILED: dict[tuple[str, str], Evaluator] = {}


def loaded(folder: Path) -> Bundle:
    """The bundle of a folder, which has no error."""
    found, diagnostics, _ = load_folder(folder)
    assert found is not None, diagnostics
    return found


def one_family(into: Path) -> Path:
    """A rules folder with all facts and one family of the shipped policies, which is loaded and compiled at once.

    For tests of processes, each of which loads its rules anew; `examples.REQUEST` is answered as by all rules.
    """

    def others(place: str, names: list[str]) -> list[str]:
        return [name for name in names if Path(place, name).is_dir() and name != "chuanliu"]

    return copytree(_SHIPPED, into / "rules", ignore=others)


def edited(of: Bundle, path: str, *replacements: tuple[str, str]) -> Bundle:
    """A bundle with texts replaced that each stand once in a file."""
    text = of.sources[path]
    for old, new in replacements:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    found, diagnostics = bundle({**of.sources, path: text})
    assert found is not None, diagnostics
    return found


def keep(assembled: Assembled, found: Bundle) -> None:
    """Stores a bundle, unchecked: it is not active, and never was."""
    orders, at = assembled.orders, instants.text(assembled.service.now())
    said = TrailEntry(at, "test", "bundle.upload", found.id)
    orders.give(Change(said, [BundleSources(found.id, None, found.sources)]), orders.catch_up().version)


def adopt(assembled: Assembled, found: Bundle) -> None:
    """Makes a bundle active in a service, which takes over what another service of this process has compiled of it.

    An evaluator never changes and may be asked by several threads, so tests that share it share no state.
    """
    evaluators = assembled.service.evaluators
    engine = evaluators._engine
    compiled = _COMPILED.setdefault((found.id, type(engine).__name__), Evaluator(found, engine))
    evaluators._known[found.id] = compiled
    assembled.publishing.adopt_folder(found, actor="test")
