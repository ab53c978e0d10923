"""Who asked for a decision, and by whose orders its rules were in force, as parts of a page."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from policy_service.decisions.audit.origins import Asker, GivenOrder, Origins
from policy_service.decisions.ports.activations import StopEvent
from policy_service.pages.grids import Cell, Grid, Pair, Say, grid, pair
from policy_service.pages.proof_words import ASKER, ORDER_KIND
from policy_service.policies.bundle import Bundle


@dataclass(frozen=True, slots=True)
class OriginText:
    """The part of the page.

    note: about the orders; empty where there is nothing to say.
    orders, stops: null where there are none.
    """

    pairs: tuple[Pair, ...]
    note: str
    orders: Grid | None
    stops: Grid | None


def origin_text(found: Origins, body: Mapping[str, Any], bundle: Bundle, say: Say) -> OriginText:
    """Args:
    body: the record.
    """
    through = say("orders_through", version=body["orders"]) if "orders" in body else say("orders_unknown")
    return OriginText(
        (
            Pair(say("asked_by"), _asker(found.asker, say)),
            pair(say("idempotency"), say("keyed" if found.asker.keyed else "not_keyed")),
            pair(say("asked_when"), through),
        ),
        say("pinned") if found.pinned and found.orders else "",
        _orders(found, say),
        _stops(found, bundle, say),
    )


def _asker(asker: Asker, say: Say) -> Cell:
    if asker.key is not None:
        key = asker.key
        return Cell(say.of(ASKER, "key", name=key.name, by=key.created_by, at=key.created_at), asker.id)
    return Cell(say.of(ASKER, "key_unknown" if asker.kind == "key" else asker.kind), asker.id)


def _orders(found: Origins, say: Say) -> Grid | None:
    header = (say("order"), say("who"), say("ordered_at"), say("effective_at"), say("reason"), say("log_place"))
    rows = [_order(one, say) for one in found.orders]
    return grid(say("orders"), header, rows) if rows else None


def _order(order: GivenOrder, say: Say) -> tuple[object, ...]:
    one = order.activation
    place = say("order_unplaced") if order.index is None else say("order_place", index=order.index)
    receipt = say("order_receipt", signer=order.signer) if order.signer else say("order_no_receipt")
    said = f"{order.version}{say.colon}{say.of(ORDER_KIND, one.kind)}"
    return said, one.actor, one.at, one.effective_at, one.reason or say("no_reason"), Cell(lines=(place, receipt))


def _stops(found: Origins, bundle: Bundle, say: Say) -> Grid | None:
    header = (say("stopped"), say("who"), say("ordered_at"), say("reason"))
    rows: list[tuple[object, ...]] = [
        (_stopped(one, bundle, say), one.actor, one.at, one.reason or say("no_reason")) for one in found.stops
    ]
    return grid(say("stops"), header, rows) if rows else None


def _stopped(stop: StopEvent, bundle: Bundle, say: Say) -> Cell:
    """The titles of what was stopped, where the bundle has it."""
    code = stop.policy if stop.reward is None else f"{stop.policy}/{stop.reward}"
    versions = bundle.rules.versions(stop.policy)
    if not versions:
        return Cell("", code)
    rewards = (reward for policy in versions for reward in policy.rewards if reward.id == stop.reward)
    title, reward = versions[-1].title[say.tongue], next(rewards, None)
    return Cell(title if reward is None else f"{title} · {reward.title[say.tongue]}", code)
