"""Manipulations of the acts: activations, stops, shadows, keys and the trail, edited, deleted, put in."""

import json

from policy_service.access import credentials
from tests.tampering import forging
from tests.tampering.case import LATE, TABLES, Case, Tampering, case, each

KEY = "psk_00000000000000ff_forged"
"""An API key that nobody made."""


def _stop(action: str, policy: str, reward: str | None) -> dict[str, str | None]:
    return {"action": action, "policy": policy, "reward": reward, "at": LATE, "actor": "op", "reason": ""}


def _activation(t: Tampering) -> dict[str, str]:
    old = t.story.rules.id
    return {
        "bundle": old, "published": old, "kind": "rollback", "at": LATE, "effective_at": LATE, "actor": "op",
        "reason": "",
    }  # fmt: skip


# ---- put in

FORGED = {"record-not-receipted": "new", "order-refused": "new"}


@case("order", FORGED, holds=True)
def an_order_that_ends_a_stop(t: Tampering) -> None:
    t.order("policy.resume", stops=[_stop("resume", "club.hours", "topped_kept")])


@case("order", FORGED, holds=True)
def an_order_that_activates_an_old_bundle(t: Tampering) -> None:
    t.order("bundle.rollback", activations=[_activation(t)])


@case("order", FORGED, holds=True)
def an_order_that_makes_an_api_key(t: Tampering) -> None:
    id_, secret = credentials.parts(KEY)
    key = {
        "id": id_, "name": "mine", "digest": credentials.digest(secret), "roles": ["admin"], "rate": None,
        "created_at": LATE, "created_by": "op", "expires_at": None, "revoked_at": None,
    }  # fmt: skip
    t.order("key.create", keys=[key])


@case("order", FORGED, holds=True)
def an_order_that_adds_a_signing_key(t: Tampering) -> None:
    t.order("log.key-add", signing_keys={"add": [t.key.text]})


@case("order", FORGED, holds=True)
def an_order_that_begins_a_shadow(t: Tampering) -> None:
    shadow = {"action": "end", "bundle": t.story.rules.id, "share": "1", "at": LATE, "actor": "op", "reason": ""}
    t.order("shadow.end", shadows=[shadow])


@case("order", {"record-malformed": "new", "order-refused": "new"}, holds=True)
def a_malformed_order(t: Tampering) -> None:
    t.order("policy.stop", stops=[{"policy": 7}])


@case("order", {"order-refused": None, "record-not-logged": None}, holds=True)
def a_copy_of_an_old_order_put_behind_the_last(t: Tampering) -> None:
    row = t.hand.row("acts", t.id("policy.resume"))
    del row["number"]
    t.hand.insert("acts", row | {"id": t.new_id(), "version": t.story.version + 1})


@case("order", {"record-not-receipted": "new"})
def an_order_with_the_version_of_none(t: Tampering) -> None:
    said = {"at": LATE, "actor": "op", "action": "policy.resume", "target": "club.hours"}
    t.act(said | {"order": {"version": 99, "previous": "", "stops": [_stop("resume", "club.hours", "topped_kept")]}})


@case("order", {"record-not-receipted": "new"})
def a_note_put_into_the_trail(t: Tampering) -> None:
    t.act({"at": LATE, "actor": "boss", "action": "decision.reveal", "target": t.id("member-1")})


@case("order", {"record-not-receipted": "new"})
def a_note_with_the_receipt_of_another(t: Tampering) -> None:
    receipt = t.hand.row("acts", t.id("decision.reveal"))["receipt"]
    t.act({"at": LATE, "actor": "boss", "action": "decision.reveal", "target": "x"}, receipt=receipt)


@case("order", {"record-not-logged": "new"})
def a_note_put_in_beside_the_log(t: Tampering) -> None:
    id_ = t.act({"at": LATE, "actor": "boss", "action": "decision.reveal", "target": t.id("member-1")})
    t.hand.change("DELETE FROM unsealed WHERE id = :id", id=id_)


# ---- edited


@case(
    "order",
    {
        "record-altered": "first policy.stop",
        "order-refused": None,
        "decision-not-ordered": None,
        "bundle-altered": None,
    },
    holds=True,
)
def a_stop_edited(t: Tampering) -> None:
    t.edit("first policy.stop", b'"reward":"topped_kept"', b'"reward":"topped_none"')


@case(
    "order",
    {"tree-altered": "first policy.stop", "order-refused": None, "decision-not-ordered": None, "bundle-altered": None},
    holds=True,
)
def a_stop_edited_with_its_leaf(t: Tampering) -> None:
    t.edit("first policy.stop", b'"reward":"topped_kept"', b'"reward":"topped_none"', leaf=True)


@case(
    "order", {"record-not-receipted": "policy.stop", "order-refused": "policy.stop", "bundle-altered": None}, holds=True
)
def a_waiting_stop_edited(t: Tampering) -> None:
    t.edit("policy.stop", b'"reward":"cut"', b'"reward":"out"', leaf=True)


@case(
    "order",
    {"record-altered": "key.revoke", "order-refused": None, "decision-not-ordered": None, "bundle-altered": None},
    holds=True,
)
def a_revocation_edited(t: Tampering) -> None:
    t.edit("key.revoke", b'"revoked_at":"2023', b'"revoked_at":"2099')


@case(
    "order",
    {"record-altered": "bundle.activate", "order-refused": None, "decision-not-ordered": None, "bundle-altered": None},
    holds=True,
)
def an_activation_edited(t: Tampering) -> None:
    t.edit("bundle.activate", b'"kind":"folder"', b'"kind":"rollback"')


@case(
    "order",
    {"record-altered": "shadow.start", "order-refused": None, "decision-not-ordered": "late-0", "bundle-altered": None},
    holds=True,
)
def a_shadow_edited(t: Tampering) -> None:
    t.edit("shadow.start", b'"share":"1"', b'"share":"0"')


@case("order", {"record-altered": "first decision.reveal"})
def a_note_of_the_trail_edited(t: Tampering) -> None:
    t.edit("first decision.reveal", b'"actor":"op"', b'"actor":"me"')


@case("order", {"record-not-receipted": "decision.reveal"})
def a_waiting_note_edited(t: Tampering) -> None:
    t.edit("decision.reveal", b'"actor":"op"', b'"actor":"me"', leaf=True)


each(
    {"instant": {"at": "2020-01-01T00:00:00.000Z"}, "version": {"version": 77}},
    Case(
        "an order with another {}", "order", lambda _: None,
        {
            "order-refused": None, "entry-altered": "shadow.start", "decision-not-ordered": "late-0",
            "bundle-altered": None,
        },
        holds=True,
    ),
    lambda t, values: t.change("acts", "shadow.start", **values),
)  # fmt: skip
each(
    {"action": {"action": "policy.stop"}, "leaf": {"leaf": "0" * 64}},
    Case("an order with another {}", "order", lambda _: None, {"entry-altered": "shadow.start"}),
    lambda t, values: t.change("acts", "shadow.start", **values),
)
each(
    {"instant": {"at": "2020-01-01T00:00:00.000Z"}, "action": {"action": "policy.stop"}},
    Case("a note with another {}", "order", lambda _: None, {"entry-altered": "first decision.reveal"}),
    lambda t, values: t.change("acts", "first decision.reveal", **values),
)


@case("order", {"entry-altered": "first decision.reveal", "order-refused": None}, holds=True)
def a_note_made_an_order_by_its_column(t: Tampering) -> None:
    t.change("acts", "first decision.reveal", version=t.story.version + 1)


@case(
    "order", {"order-refused": "policy.stop", "store-altered": None, "bundle-altered": None}, holds=True, only="sqlite"
)
def a_version_of_another_type(t: Tampering) -> None:
    t.hand.change("UPDATE acts SET version = 'last' WHERE id = :id", id=t.id("policy.stop"))


# ---- deleted

GONE = {"record-lost": "first policy.stop", "order-refused": None, "decision-not-ordered": None, "bundle-altered": None}


@case("order", GONE, holds=True)
def a_stop_deleted(t: Tampering) -> None:
    t.delete("first policy.stop")


@case("order", GONE | {"entry-altered": None}, holds=True)
def a_stop_deleted_with_the_gap_closed(t: Tampering) -> None:
    version = t.hand.row("acts", t.id("first policy.stop"))["version"]
    t.delete("first policy.stop")
    for later in range(version + 1, t.story.version + 1):
        t.hand.change("UPDATE acts SET version = :less WHERE version = :later", less=later - 1, later=later)


@case("order", {"order-refused": None, "bundle-altered": None}, holds=True)
def the_waiting_stop_deleted_with_its_place(t: Tampering) -> None:
    t.delete("policy.stop")
    t.hand.change("DELETE FROM unsealed WHERE id = :id", id=t.id("policy.stop"))


@case(
    "order",
    {"record-lost": "key.revoke", "order-refused": None, "decision-not-ordered": None, "bundle-altered": None},
    holds=True,
)
def a_revocation_deleted(t: Tampering) -> None:
    t.delete("key.revoke")


@case("order", {"record-lost": "first decision.reveal"})
def a_note_of_the_trail_deleted(t: Tampering) -> None:
    t.delete("first decision.reveal")


EMPTIED = {
    "record-lost": 0,
    "private-value-lost": "erased",
    "order-refused": None,
    "decision-not-ordered": None,
    "bundle-altered": None,
}


@case("order", EMPTIED, holds=True)
def all_acts_deleted(t: Tampering) -> None:
    t.hand.change("DELETE FROM acts")


@case("order", {"log-truncated": 0, "order-refused": None}, holds=True)
def every_table_emptied(t: Tampering) -> None:
    for table in TABLES:
        t.hand.run(f"DELETE FROM {table}")


@case("order", {"log-truncated": 16, "order-refused": None}, holds=True, which="backup")
def an_older_backup(t: Tampering) -> None:
    assert t.hand.rows("SELECT max(size) AS size FROM log_heads") == [{"size": 16}]


@case(
    "order",
    {"log-truncated": 28, "order-refused": None, "bundle-altered": None, "private-value-lost": "erased"},
    holds=True,
)
def the_store_cut_off_at_an_older_head(t: Tampering) -> None:
    t.cut(28)


BEGUN = {"tree-altered": 0, "order-refused": None, "decision-not-ordered": None, "bundle-altered": None}


@case("order", BEGUN, holds=True)
def a_beginning_under_another_key(t: Tampering) -> None:
    said = json.loads(t.story.body("log.begin"))
    said["order"]["begin"]["keys"] = [t.key.text]
    body = t.put("log.begin", forging.canonical(said), leaf=True)
    t.change("acts", "log.begin", receipt=t.key.receipt(said["act_id"], said["at"], body))


@case("order", BEGUN, holds=True)
def a_beginning_that_needs_no_receipts(t: Tampering) -> None:
    t.edit("log.begin", b'"legacy":0', b'"legacy":47', leaf=True)
