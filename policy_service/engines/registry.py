"""Engines by name, loaded on first use."""

from importlib import import_module

from policy_service.engines.contract import AnyEngine

_ENGINES = {
    "rete": ("policy_service.engines.rete", "ReteEngine"),
    "reference": ("policy_service.engines.reference", "ReferenceEngine"),
}
NAMES = tuple(_ENGINES)


def engine(name: str) -> AnyEngine:
    """The engine of that name.

    Raises:
        KeyError: there is none.
    """
    module, attribute = _ENGINES[name]
    found: AnyEngine = getattr(import_module(module), attribute)()
    return found
