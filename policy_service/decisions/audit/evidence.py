"""Puts together the file that proves one decision, to somebody who has neither the service nor the store.

What is in the file is not verified here: who reads it does, and finds out what the store was made to say.
"""

from collections.abc import Callable
from contextlib import suppress

from policy_service.decisions.audit.proving import InclusionProof, NotSealed, entry_of, proved
from policy_service.decisions.bundles.evaluators import Evaluators, UnknownBundle, UnusableBundle
from policy_service.decisions.deciding.recording import parsed
from policy_service.decisions.ports.activations import BundleStore
from policy_service.decisions.ports.acts import ActStore
from policy_service.decisions.ports.log import LogStore, SignedHead
from policy_service.decisions.ports.records import DecisionRecord
from policy_service.decisions.sealed import acts
from policy_service.decisions.sealed.folding import Followed, OrderRefused
from policy_service.decisions.sealed.ordering import SignedOrders
from policy_service.decisions.sealed.receipted import NotReceipted, receipt_in
from policy_service.decisions.sealed.signing import LogKeys
from policy_service.policies.bundle import model_of
from policy_service.proofs.export import Export, ProvedAct, ProvedBundle
from policy_service.proofs.receipts import Receipt

_AT_ONCE = 1000


class NotProvable(Exception):
    """The store lacks what would prove a decision; the message says what."""


class Evidence:
    """Puts the files together. Every operation may raise StoreUnavailable.

    Args:
        cosigned: gives the note of a head with the cosignatures of witnesses.
    """

    def __init__(
        self,
        log: LogStore,
        orders: SignedOrders,
        bundles: BundleStore,
        evaluators: Evaluators,
        cosigned: Callable[[SignedHead], str],
        keys: LogKeys,
    ) -> None:
        self._log, self._orders, self._bundles = log, orders, bundles
        self._evaluators, self._cosigned, self._keys = evaluators, cosigned, keys

    def of(self, record: DecisionRecord, proof: InclusionProof, *, private: bool) -> Export:
        """The file of a decision.

        Args:
            proof: that the decision is in the log; all that is in the file is under its head.
            private: whether to include the values behind the commitments of the record.
        Raises:
            NotProvable.
            NotSealed: an act that is needed has no index yet.
        """
        followed = self._followed()
        return Export(
            record=record.body,
            leaf=proof.leaf,
            bundle=self._bundle(record.bundle, followed, proof.head),
            inclusion=proof.inclusion,
            head=self._cosigned(proof.head),
            receipt=None if record.receipt is None else Receipt.parse(parsed(record.receipt.encode())),
            signing=self._signing(followed, proof.head),
            keys=tuple(verifier.text for verifier in self._keys.verifiers),
            private=record.privates if private else (),
        )

    def _followed(self) -> Followed:
        """What the orders of the log say; where nothing is signed, and no key need be known, as they are stored."""
        return self._orders.catch_up() if self._keys.signers else _unchecked(self._orders.store)

    def _bundle(self, id_: str, followed: Followed, head: SignedHead) -> ProvedBundle:
        try:
            model = model_of(self._evaluators.of(id_).bundle)
        except (UnknownBundle, UnusableBundle) as error:
            raise NotProvable(f"the rules that decided cannot be shown: {error}") from error
        act = followed.stored_by.get(id_)
        if act is None:
            raise NotProvable(f"no order that is followed stored the bundle {id_}")
        return ProvedBundle(id_, model, self._bundles.sources(id_) or {}, self._act(act, head))

    def _signing(self, followed: Followed, head: SignedHead) -> tuple[ProvedAct, ...]:
        """The acts under a head that say which keys sign the log, as they stand in it."""
        changes = list(dict.fromkeys(change.act for change in followed.signing))
        if not changes:
            raise NotProvable("no order that is followed began the log")
        first, *later = changes
        placed = [act for act in later if (entry := self._log.entry(act)) and entry.index < head.size]
        found = [self._act(act, head) for act in (first, *placed)]
        return tuple(sorted(found, key=lambda act: act.inclusion.index))

    def _act(self, id_: str, head: SignedHead) -> ProvedAct:
        act = self._orders.store.act(id_)
        entry, waits = entry_of(self._log, id_)
        if waits or (entry is not None and entry.index >= head.size):
            raise NotSealed(f"the act `{id_}`, which the proof needs, has no index yet")
        if act is None or entry is None:
            raise NotProvable(f"the act `{id_}`, which the proof needs, is not in the log")
        try:
            return ProvedAct(act.body, receipt_in(act.receipt), proved(self._log, entry, head).inclusion)
        except NotReceipted as error:
            raise NotProvable(f"the act `{id_}` proves nothing: {error}") from error


def _unchecked(store: ActStore) -> Followed:
    """What the orders say up to the first that is none, their receipts not verified: who reads the file does that."""
    found = Followed()
    with suppress(acts.ActMalformed, OrderRefused):
        while some := store.orders(found.version, _AT_ONCE):
            for one in some:
                act = acts.parse(one.body)
                if act.change is None or act.version != found.version + 1:
                    return found
                found.fold(act.id, one.leaf, act.version, act.change, act.stored)
    return found
