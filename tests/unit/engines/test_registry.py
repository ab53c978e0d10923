"""Engines are found by name and by the contract that they keep."""

from policy_service.engines import registry
from policy_service.engines.contracts import Oracle


def test_every_engine_keeps_one_contract() -> None:
    by_contract = {name for kind in ("online", "oracle", "bulk", "proof") for name in registry.keeping(kind)}  # type: ignore[arg-type]  # all of them
    assert by_contract == set(registry.NAMES)


def test_the_oracle_decides_whole_answers_and_the_online_engine_compiles_plans() -> None:
    assert all(isinstance(registry.engine(name), Oracle) for name in registry.keeping("oracle"))
    assert all(hasattr(registry.engine(name), "prepare") for name in registry.keeping("online"))


def test_no_engine_keeps_the_bulk_and_the_proof_contract_yet() -> None:
    """The day one does, this is the place to say so."""
    assert registry.keeping("bulk") == registry.keeping("proof") == ()
