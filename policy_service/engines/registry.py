"""Engines by name and by contract, loaded on first use."""

from importlib import import_module
from typing import Literal

from policy_service.engines.contracts import Engine

Contract = Literal["online", "oracle", "bulk", "proof"]
_ENGINES: dict[str, tuple[Contract, str, str]] = {
    "rete": ("online", "policy_service.engines.rete", "ReteEngine"),
    "reference": ("oracle", "policy_service.engines.reference", "ReferenceEngine"),
}
NAMES = tuple(_ENGINES)


def engine(name: str) -> Engine:
    """The engine of that name.

    Raises:
        KeyError: there is none.
    """
    _, module, attribute = _ENGINES[name]
    found: Engine = getattr(import_module(module), attribute)()
    return found


def keeping(contract: Contract) -> tuple[str, ...]:
    """Names of the engines that keep a contract."""
    return tuple(name for name, (kept, _, _) in _ENGINES.items() if kept == contract)
