"""Manipulations of records, their receipts, their columns and their private values."""

from typing import Any

from tests.tampering import forging
from tests.tampering.case import LATE, Case, Tampering, case, each

# ---- decisions added


@case("record", {"record-not-receipted": "new"})
def a_decision_copied_for_another_subject_with_leaf_and_queue_row(t: Tampering) -> None:
    t.copied("late-0", (b'"m-1"', b'"m-9"'), (b"merchant:m-1", b"merchant:m-9"))


@case("record", {"record-not-receipted": "new"})
def a_decision_copied_with_a_receipt_by_another_key(t: Tampering) -> None:
    t.copied("late-0", (b"merchant:m-1", b"merchant:m-9"), receipt=True)


@case("record", {"record-not-receipted": "new"})
def a_decision_copied_with_a_higher_amount(t: Tampering) -> None:
    t.copied("late-0", (b'"amount":11', b'"amount":99'))


@case("record", {"record-not-logged": "new"})
def a_decision_put_in_beside_the_log(t: Tampering) -> None:
    t.hand.change("DELETE FROM unsealed WHERE id = :id", id=t.copied("late-0"))


@case("record", {"record-not-logged": "new", "store-altered": None})
def a_decision_put_in_with_an_entry_below_the_log(t: Tampering) -> None:
    id_ = t.copied("late-0")
    t.hand.run("DELETE FROM unsealed WHERE id = :id", id=id_)
    t.hand.insert(
        "log_entries",
        {"index": -1, "kind": "decision", "id": id_, "leaf": "0" * 64, "at": LATE, "as_of": "2023-04-01"},
    )


@case("record", {"record-malformed": "new"})
def a_malformed_decision(t: Tampering) -> None:
    t.copied("late-0", (b'"rewards":[', b'"rewards":[['))


@case("record", {"record-malformed": "new"})
def a_decision_whose_answer_is_none(t: Tampering) -> None:
    id_ = t.copied("late-0")
    body = forging.canonical(
        {"decision_id": id_, "decided_at": LATE, "bundle": "", "request": {"as_of": ""}, "answer": []}
    )
    t.hand.change("UPDATE decisions SET body = :body WHERE id = :id", body=body, id=id_)


# ---- bodies of sealed records


@case("record", {"record-altered": "early-0"})
def a_byte_of_a_decision_edited(t: Tampering) -> None:
    t.edit("early-0", b'"amount":5', b'"amount":9')


@case("record", {"tree-altered": "early-0"})
def a_decision_edited_with_its_leaf(t: Tampering) -> None:
    t.edit("early-0", b'"amount":5', b'"amount":9', leaf=True)


@case("record", {"root-differs": 0, "record-not-receipted": "early-0"}, holds=True)
def a_decision_edited_with_its_leaf_and_its_tile(t: Tampering) -> None:
    body = t.edit("early-0", b'"amount":5', b'"amount":9', leaf=True)
    t.set_hash(t.story.index("early-0"), forging.leaf(body))


@case("record", {"root-differs": 0, "record-not-receipted": "early-0"}, holds=True)
def a_decision_edited_with_leaf_tile_and_a_receipt_by_another_key(t: Tampering) -> None:
    body = t.edit("early-0", b'"amount":5', b'"amount":9', leaf=True)
    at = t.hand.row("decisions", t.id("early-0"))["decided_at"]
    t.change("decisions", "early-0", receipt=t.key.receipt(t.id("early-0"), at, body))
    t.set_hash(t.story.index("early-0"), forging.leaf(body))


@case("record", {"record-altered": ("noon-0", "noon-1")})
def two_decisions_swapped(t: Tampering) -> None:
    one, two = t.story.body("noon-0"), t.story.body("noon-1")
    t.put("noon-0", two)
    t.put("noon-1", one)


@case("record", {"tree-altered": ("noon-0", "noon-1")})
def two_decisions_swapped_with_their_leaves(t: Tampering) -> None:
    one, two = t.story.body("noon-0"), t.story.body("noon-1")
    t.put("noon-0", two, leaf=True)
    t.put("noon-1", one, leaf=True)


@case("record", {"record-altered": "noon-1"})
def a_decision_overwritten_with_another(t: Tampering) -> None:
    t.put("noon-1", t.story.body("noon-0"))


@case("record", {"record-altered": "late-1"})
def a_decision_emptied(t: Tampering) -> None:
    t.put("late-1", b"")


@case("record", {"record-altered": "late-1", "store-altered": None}, only="sqlite")
def a_body_of_another_type(t: Tampering) -> None:
    t.hand.change("UPDATE decisions SET body = 'a text' WHERE id = :id", id=t.id("late-1"))


@case("record", {"record-lost": "early-1"})
def a_decision_deleted(t: Tampering) -> None:
    t.delete("early-1")


@case("record", {"index-gap": "early-1"})
def a_decision_deleted_with_its_entry(t: Tampering) -> None:
    t.delete("early-1")
    t.hand.change("DELETE FROM log_entries WHERE id = :id", id=t.id("early-1"))


@case("record", {"index-gap": "early-1"})
def a_decision_deleted_with_entry_and_terms(t: Tampering) -> None:
    t.delete("early-1")
    t.hand.change('DELETE FROM terms WHERE "index" = :index', index=t.story.index("early-1"))
    t.hand.change("DELETE FROM log_entries WHERE id = :id", id=t.id("early-1"))


@case("record", {"head-lost": 40, "log-truncated": 41}, holds=True)
def the_last_but_one_decision_deleted_with_the_gap_closed(t: Tampering) -> None:
    index = t.story.index("last-1")
    for table, column in (("private_values", "record"), ("log_entries", "id"), ("decisions", "id")):
        t.hand.change(f"DELETE FROM {table} WHERE {column} = :id", id=t.id("last-1"))
    t.hand.change('DELETE FROM terms WHERE "index" = :index', index=index)
    t.hand.change('UPDATE terms SET "index" = :less WHERE "index" = :index', less=index, index=index + 1)
    t.hand.change('UPDATE log_entries SET "index" = :less WHERE "index" = :index', less=index, index=index + 1)
    tile = t.tile()
    t.set_tile(tile[: index * 32] + tile[(index + 1) * 32 :])


# ---- columns that a decision implies

each(
    {
        "id": {"id": "01a22e43-0000-7000-8000-00000000000f"},
    },
    Case("the column {} of a decision", "record", lambda _: None, {"record-lost": "late-1", "record-not-logged": None}),
    lambda t, values: t.change("decisions", "late-1", **values),
)
each(
    {
        "decided at": {"decided_at": "2020-01-01T00:00:00.000Z"},
        "day": {"as_of": "2020-01-01"},
        "merchant": {"merchant_id": "m-9"},
        "no merchant": {"merchant_id": None},
        "supersedes": {"supersedes": "01a22e43-0000-7000-8000-00000000000f"},
        "leaf": {"leaf": "0" * 64},
        "no leaf": {"leaf": None},
    },
    Case("the column {} of a decision", "record", lambda _: None, {"entry-altered": "late-1"}),
    lambda t, values: t.change("decisions", "late-1", **values),
)


@case("record", {"entry-altered": "correction"})
def a_correction_that_corrects_nothing(t: Tampering) -> None:
    t.change("decisions", "correction", supersedes=None)


@case("record", {"entry-altered": "early-0"})
def the_column_bundle_of_a_decision(t: Tampering) -> None:
    t.change("decisions", "early-0", bundle=t.story.active)


@case("record", {"entry-altered": "late-1"}, only="sqlite")
def a_column_that_is_no_unicode(t: Tampering) -> None:
    t.hand.change("UPDATE decisions SET merchant_id = CAST(x'ff' AS TEXT) WHERE id = :id", id=t.id("late-1"))


@case("record", {"store-altered": None, "entry-altered": "late-1"}, only="sqlite")
def a_column_of_another_type(t: Tampering) -> None:
    t.hand.change("UPDATE decisions SET merchant_id = x'6d2d31' WHERE id = :id", id=t.id("late-1"))


# ---- receipts


@case("receipt", {"record-not-receipted": "noon-2"})
def a_receipt_removed(t: Tampering) -> None:
    t.change("decisions", "noon-2", receipt=None)


@case("receipt", {"record-not-receipted": "decision.erase"})
def a_receipt_of_an_act_removed(t: Tampering) -> None:
    t.change("acts", "decision.erase", receipt=None)


@case("receipt", {"record-not-receipted": ("noon-2", "noon-3")})
def two_receipts_swapped(t: Tampering) -> None:
    one, two = (t.hand.row("decisions", t.id(name))["receipt"] for name in ("noon-2", "noon-3"))
    t.change("decisions", "noon-2", receipt=two)
    t.change("decisions", "noon-3", receipt=one)


@case("receipt", {"record-not-receipted": "noon-2"})
def a_receipt_by_another_key(t: Tampering) -> None:
    at = t.hand.row("decisions", t.id("noon-2"))["decided_at"]
    t.change("decisions", "noon-2", receipt=t.key.receipt(t.id("noon-2"), at, t.story.body("noon-2")))


def _receipt(t: Tampering, change: Any) -> None:
    text = t.hand.row("decisions", t.id("noon-2"))["receipt"]
    assert change(text) != text
    t.change("decisions", "noon-2", receipt=change(text))


each(
    {
        "instant": lambda text: text.replace("2023-04-02", "2023-04-03"),
        "signature": lambda text: text[:-12] + ("AAAA" if text[-12:-8] != "AAAA" else "BBBB") + text[-8:],
        "form": lambda text: text.replace(",", ", "),
        "digest, twice": lambda text: '{"digest":"sha256:00",' + text[1:],
        "end": lambda text: text[:-1],
    },
    Case("a receipt with another {}", "receipt", lambda _: None, {"record-not-receipted": "noon-2"}),
    _receipt,
)

# ---- private values


@case("private", {"private-value-altered": "member-1", "term-altered": None})
def a_private_value_edited(t: Tampering) -> None:
    t.hand.change(
        "UPDATE private_values SET value = :value WHERE record = :id AND pointer = '/request/facts/member/points'",
        value=b"999", id=t.id("member-1"),
    )  # fmt: skip


@case("private", {"private-value-altered": "member-1", "term-altered": None})
def a_salt_edited(t: Tampering) -> None:
    t.hand.change("UPDATE private_values SET salt = :salt WHERE record = :id", salt=bytes(32), id=t.id("member-1"))


@case("private", {"private-value-altered": "member-1", "private-value-lost": "member-2", "term-altered": None})
def a_private_value_moved_to_another_record(t: Tampering) -> None:
    where = "record = :id AND pointer = '/request/facts/member/points'"
    t.hand.change(f"DELETE FROM private_values WHERE {where}", id=t.id("member-1"))
    t.hand.change(f"UPDATE private_values SET record = :to WHERE {where}", to=t.id("member-1"), id=t.id("member-2"))


@case("private", {"private-value-altered": "early-0"})
def a_private_value_of_a_record_that_has_none(t: Tampering) -> None:
    row = {"record": t.id("early-0"), "pointer": "/request/facts/member/id", "salt": bytes(32), "value": b'"u-9"'}
    t.hand.insert("private_values", row)


@case("private", {"private-value-lost": "member-1", "term-altered": None})
def the_private_values_of_a_record_deleted(t: Tampering) -> None:
    t.hand.change("DELETE FROM private_values WHERE record = :id", id=t.id("member-1"))


@case("private", {"private-value-lost": "member-1"})
def one_private_value_deleted(t: Tampering) -> None:
    t.hand.change(
        "DELETE FROM private_values WHERE record = :id AND pointer = '/request/facts/member/points'",
        id=t.id("member-1"),
    )


@case("private", {"private-value-altered": "erased", "term-altered": "erased"})
def an_erased_value_put_back(t: Tampering) -> None:
    for row in t.story.erased:
        t.hand.insert("private_values", row)


@case("private", {"private-value-lost": "waits-1"})
def the_private_values_of_a_waiting_record_deleted(t: Tampering) -> None:
    t.hand.change("DELETE FROM private_values WHERE record = :id", id=t.id("waits-1"))


@case("private", {"private-value-altered": "waits-1"})
def a_private_value_of_a_waiting_record_edited(t: Tampering) -> None:
    t.hand.change("UPDATE private_values SET value = :value WHERE record = :id", value=b"999", id=t.id("waits-1"))


ERASURE: dict[str, Any] = {"at": LATE, "actor": "op", "action": "decision.erase", "target": "member", "reason": "T-2"}


@case("private", {"private-value-lost": "member-1", "record-not-receipted": "new", "term-altered": None})
def a_fake_erasure_that_hides_a_deletion(t: Tampering) -> None:
    t.hand.change("DELETE FROM private_values WHERE record = :id", id=t.id("member-1"))
    t.act(ERASURE | {"erasure": {"subject": {"type": "member"}, "records": [t.id("member-1")]}})


@case("private", {"private-value-lost": "member-1", "record-malformed": "new", "term-altered": None})
def a_malformed_erasure_that_hides_a_deletion(t: Tampering) -> None:
    t.hand.change("DELETE FROM private_values WHERE record = :id", id=t.id("member-1"))
    t.act(ERASURE | {"erasure": {"records": t.id("member-1")}})


@case("private", {"private-value-lost": "member-1", "record-altered": "decision.erase"})
def an_erasure_that_names_one_record_more(t: Tampering) -> None:
    t.hand.change("DELETE FROM private_values WHERE record = :id", id=t.id("member-1"))
    t.edit("decision.erase", t.id("erased").encode(), f'{t.id("erased")}","{t.id("member-1")}'.encode())


@case("private", {"record-lost": "decision.erase", "private-value-lost": "erased"})
def an_erasure_deleted(t: Tampering) -> None:
    t.delete("decision.erase")


# ---- before a verification that goes on from an earlier one


@case("record", {"record-altered": "early-0", "record-not-receipted": None}, resumes=True)
def an_old_decision_edited_before_a_resumed_verification(t: Tampering) -> None:
    t.edit("early-0", b'"amount":5', b'"amount":9')


@case("record", {"root-differs": 0, "record-not-receipted": "early-0"}, holds=True, resumes=True)
def an_old_decision_edited_with_leaf_and_tile_before_a_resumed_verification(t: Tampering) -> None:
    body = t.edit("early-0", b'"amount":5', b'"amount":9', leaf=True)
    t.set_hash(t.story.index("early-0"), forging.leaf(body))


@case("receipt", {"record-not-receipted": None}, resumes=True)
def an_old_signature_edited_before_a_resumed_verification(t: Tampering) -> None:
    _receipt(t, lambda text: text[:-12] + ("AAAA" if text[-12:-8] != "AAAA" else "BBBB") + text[-8:])
