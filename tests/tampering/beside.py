"""Manipulations of what is kept beside the log: terms, idempotency keys, bundles, the queue, the database itself."""

from tests.tampering.case import LATE, Case, Tampering, case, each

# ---- search terms


@case("term", {"term-altered": (None, "product-0")})
def a_term_deleted(t: Tampering) -> None:
    t.hand.change(
        "DELETE FROM terms WHERE \"index\" = :at AND text = 'subject:merchant:m-7'", at=t.story.index("product-0")
    )


@case("term", {"term-altered": None})
def all_terms_deleted(t: Tampering) -> None:
    t.hand.change("DELETE FROM terms")


@case("term", {"term-altered": None})
def a_term_put_in(t: Tampering) -> None:
    t.hand.insert("terms", {"text": "subject:merchant:m-9", "index": t.story.index("product-0"), "private": False})


@case("term", {"term-altered": "product-0"})
def a_term_flagged_private(t: Tampering) -> None:
    t.hand.change('UPDATE terms SET private = :yes WHERE "index" = :at', yes=True, at=t.story.index("product-0"))


@case("term", {"term-altered": "member-1"})
def a_private_term_flagged_public(t: Tampering) -> None:
    t.hand.change(
        'UPDATE terms SET private = :no WHERE private AND "index" = :at', no=False, at=t.story.index("member-1")
    )


@case("term", {"term-altered": "product-0"})
def a_term_moved_to_another_decision(t: Tampering) -> None:
    t.hand.change(
        'UPDATE terms SET "index" = 3 WHERE "index" = :at AND text = \'subject:merchant:m-7\'',
        at=t.story.index("product-0"),
    )


each(
    {"behind the log": 43, "below the log": -1},
    Case("a term put in {}", "term", lambda _: None, {"term-altered": None}),
    lambda t, at: t.hand.insert("terms", {"text": "subject:merchant:m-9", "index": at, "private": False}),
)


@case("term", {"term-altered": None})
def a_term_of_an_erased_person_put_back(t: Tampering) -> None:
    t.hand.insert("terms", {"text": "subject:member:u-0", "index": t.story.index("erased"), "private": True})


@case("term", {"store-altered": None}, only="sqlite")
def a_flag_that_is_none(t: Tampering) -> None:
    t.hand.change('UPDATE terms SET private = 2 WHERE private = 1 AND "index" = :at', at=t.story.index("member-1"))


# ---- idempotency keys


@case("key", {"claim-altered": "k-late", "claim-lost": "k-early"})
def a_key_that_leads_to_another_decision(t: Tampering) -> None:
    t.hand.change("UPDATE idempotency SET decision = :to WHERE key = 'k-early'", to=t.id("k-late"))


@case("key", {"claim-altered": ("k-early", "k-late")})
def two_keys_swapped(t: Tampering) -> None:
    t.hand.change("UPDATE idempotency SET key = 'k' WHERE key = 'k-early'")
    t.hand.change("UPDATE idempotency SET key = 'k-early' WHERE key = 'k-late'")
    t.hand.change("UPDATE idempotency SET key = 'k-late' WHERE key = 'k'")


@case("key", {"claim-altered": "k-late", "claim-lost": "k-early"})
def a_key_that_leads_to_another_decision_with_its_digest_and_salt(t: Tampering) -> None:
    row = t.hand.rows("SELECT * FROM idempotency WHERE key = 'k-late'")[0]
    mine = t.hand.rows("SELECT * FROM idempotency WHERE key = 'k-early'")[0]
    t.hand.change("DELETE FROM idempotency WHERE key = 'k-early'")
    t.hand.insert("idempotency", row | {"key": "k-early", "request_digest": mine["request_digest"]})


@case("key", {"claim-altered": "noon-0", "claim-lost": "k-early"})
def a_key_that_leads_to_a_decision_made_without_one(t: Tampering) -> None:
    t.hand.change(
        "UPDATE idempotency SET decision = :to, salt = NULL, created_at = :at WHERE key = 'k-early'",
        to=t.id("noon-0"), at=t.hand.row("decisions", t.id("noon-0"))["decided_at"],
    )  # fmt: skip


@case("key", {"claim-lost": "k-early", "record-not-logged": "new"})
def a_key_that_leads_to_a_forged_decision(t: Tampering) -> None:
    id_ = t.copied("k-early", (b'"amount":5', b'"amount":9'), receipt=True)
    t.hand.run("DELETE FROM unsealed WHERE id = :id", id=id_)
    t.hand.change("UPDATE idempotency SET decision = :to WHERE key = 'k-early'", to=id_)


def _column(t: Tampering, change: str) -> None:
    t.hand.change(f"UPDATE idempotency SET {change} WHERE key = 'k-early'")


each(
    {"caller": "caller = 'other'", "name": "key = 'k-x'"},
    Case("a key with another {}", "key", lambda _: None, {"claim-altered": "k-early"}, forgets="k-early"),
    _column,
)
each(
    {"digest": "request_digest = 'sha256:00'", "salt": "salt = NULL"},
    Case("a key with another {}", "key", lambda _: None, {"claim-altered": "k-early"}),
    _column,
)


@case("key", {"claim-altered": "k-early"})
def a_key_that_is_forgotten_too_soon(t: Tampering) -> None:
    t.hand.change("UPDATE idempotency SET created_at = '2020-01-01T00:00:00.000Z' WHERE key = 'k-early'")


@case("key", {"claim-lost": "k-early"}, forgets="k-early")
def a_key_deleted(t: Tampering) -> None:
    t.hand.change("DELETE FROM idempotency WHERE key = 'k-early'")


@case("key", {"claim-lost": "k-waits"}, forgets="k-waits")
def the_key_of_a_waiting_decision_deleted(t: Tampering) -> None:
    t.hand.change("DELETE FROM idempotency WHERE key = 'k-waits'")


@case("key", {"claim-altered": None})
def a_key_that_leads_nowhere(t: Tampering) -> None:
    t.hand.insert(
        "idempotency",
        {
            "caller": "till", "key": "k-x", "request_digest": "sha256:00", "decision": t.new_id(), "created_at": LATE,
            "salt": bytes(32),
        },
    )  # fmt: skip


# ---- bundles


def _source(t: Tampering, old: str, new: str) -> None:
    row = t.hand.rows("SELECT text FROM bundle_sources WHERE bundle = :id AND path = 'hours.yaml'", id=t.story.active)[
        0
    ]
    assert old in row["text"]
    t.hand.change(
        "UPDATE bundle_sources SET text = :text WHERE bundle = :id AND path = 'hours.yaml'",
        text=row["text"].replace(old, new), id=t.story.active,
    )  # fmt: skip


@case("bundle", {"bundle-altered": None}, holds=True)
def a_number_in_a_rule_edited(t: Tampering) -> None:
    _source(t, "| 11                  |", "| 99                  |")


@case("bundle", {"bundle-altered": None})
def a_comment_in_a_rule_file(t: Tampering) -> None:
    _source(t, "policy: club.hours\n", "policy: club.hours\n# agreed with the board\n")


@case("bundle", {"bundle-altered": None})
def the_label_of_a_bundle(t: Tampering) -> None:
    t.hand.change("UPDATE bundles SET label = 'approved by the board' WHERE id = :id", id=t.story.active)


@case("bundle", {"bundle-altered": None})
def the_instant_of_a_bundle(t: Tampering) -> None:
    t.hand.change("UPDATE bundles SET seen_at = '2020-01-01T00:00:00.000Z' WHERE id = :id", id=t.story.active)


@case("bundle", {"bundle-altered": None}, holds=True)
def a_rule_file_deleted(t: Tampering) -> None:
    t.hand.change("DELETE FROM bundle_sources WHERE bundle = :id AND path = 'hours.yaml'", id=t.story.active)


@case("bundle", {"bundle-altered": None})
def a_rule_file_put_in(t: Tampering) -> None:
    t.hand.insert("bundle_sources", {"bundle": t.story.active, "path": "hours.test.yaml", "text": "[]"})


@case("bundle", {"bundle-lost": None}, holds=True)
def a_bundle_deleted(t: Tampering) -> None:
    t.hand.change("DELETE FROM bundle_sources WHERE bundle = :id", id=t.story.active)
    t.hand.change("DELETE FROM bundles WHERE id = :id", id=t.story.active)


@case("bundle", {"bundle-altered": None})
def a_bundle_put_in(t: Tampering) -> None:
    t.hand.insert("bundles", {"id": f"sha256:{'0' * 64}", "label": "mine", "seen_at": LATE})


@case("bundle", {"store-altered": None})
def a_rule_file_of_no_bundle(t: Tampering) -> None:
    t.hand.insert("bundle_sources", {"bundle": f"sha256:{'0' * 64}", "path": "a.yaml", "text": "mine"})


@case("private", {"store-altered": None})
def a_private_value_of_no_record(t: Tampering) -> None:
    row = {"record": t.new_id(), "pointer": "/request/facts/member/id", "salt": bytes(32), "value": b'"u-9"'}
    t.hand.insert("private_values", row)


# ---- the queue


@case("queue", {"record-not-receipted": "waits-0"})
def a_waiting_record_altered(t: Tampering) -> None:
    t.edit("waits-0", b'"amount":5', b'"amount":9')


@case("queue", {"record-not-receipted": "waits-0"})
def a_waiting_record_altered_with_its_leaf(t: Tampering) -> None:
    t.edit("waits-0", b'"amount":5', b'"amount":9', leaf=True)


@case("queue", {"record-lost": "waits-0"})
def a_waiting_record_deleted(t: Tampering) -> None:
    t.delete("waits-0")


@case("queue", {"record-not-logged": "waits-0"})
def a_waiting_record_taken_out_of_the_queue(t: Tampering) -> None:
    t.hand.change("DELETE FROM unsealed WHERE id = :id", id=t.id("waits-0"))


@case("queue", {"record-not-logged": ("waits-0", "waits-1", "k-waits", "policy.stop", "decision.reveal")})
def the_queue_emptied(t: Tampering) -> None:
    t.hand.change("DELETE FROM unsealed")


@case("queue", {"record-refused": "waits-0", "record-not-logged": "waits-0"})
def a_waiting_record_put_among_the_refused(t: Tampering) -> None:
    t.hand.change("DELETE FROM unsealed WHERE id = :id", id=t.id("waits-0"))
    t.hand.insert("refused", {"kind": "decision", "id": t.id("waits-0"), "reason": "none", "at": LATE})


@case("queue", {"record-refused": "early-0"})
def a_sealed_record_queued_again(t: Tampering) -> None:
    t.queue("decision", t.id("early-0"))


@case("queue", {"record-refused": "waits-0"})
def a_waiting_record_queued_twice(t: Tampering) -> None:
    t.queue("decision", t.id("waits-0"))


@case("queue", {"record-lost": "waits-0"})
def a_waiting_record_queued_as_another_kind(t: Tampering) -> None:
    t.hand.change("UPDATE unsealed SET kind = 'act' WHERE id = :id", id=t.id("waits-0"))


@case("queue", {"record-lost": None})
def a_kind_that_there_is_not(t: Tampering) -> None:
    t.queue("'; --", t.new_id())


@case("queue", {"record-lost": None})
def hundreds_of_rows_before_all_others(t: Tampering) -> None:
    for n in range(700):
        t.hand.insert("unsealed", {"number": -1000 + n, "kind": "decision", "id": t.new_id()})


@case("queue", {"record-refused": None})
def a_row_among_the_refused(t: Tampering) -> None:
    t.hand.insert("refused", {"kind": "decision", "id": t.new_id(), "reason": "none", "at": LATE})


@case("queue", {"record-lost": None, "store-altered": None}, only="sqlite")
def a_queue_row_of_another_type(t: Tampering) -> None:
    t.hand.run("INSERT INTO unsealed (kind, id) VALUES ('decision', x'00ff')")


@case("queue", {"store-altered": None, "record-refused": "waits-0"})
def an_entry_below_the_log_for_a_waiting_record(t: Tampering) -> None:
    row = {"index": -1, "kind": "decision", "id": t.id("waits-0"), "leaf": "0" * 64, "at": LATE, "as_of": "2023-04-01"}
    t.hand.insert("log_entries", row)


# ---- the database itself


@case("database", {"store-altered": None}, only="sqlite")
def a_trigger_that_drops_the_records_of_one_merchant(t: Tampering) -> None:
    t.hand.run(
        "CREATE TRIGGER tidy AFTER INSERT ON decisions WHEN NEW.merchant_id = 'm-13'"
        " BEGIN DELETE FROM decisions WHERE id = NEW.id; END"
    )


@case("database", {"store-altered": None}, only="postgresql")
def a_trigger_that_drops_the_records_of_one_merchant_(t: Tampering) -> None:
    t.hand.run("CREATE FUNCTION tidy() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
    t.hand.run(
        "CREATE TRIGGER tidy BEFORE INSERT ON decisions FOR EACH ROW WHEN (NEW.merchant_id = 'm-13')"
        " EXECUTE FUNCTION tidy()"
    )


@case("database", {"store-altered": None}, only="postgresql")
def a_rule_that_drops_the_records_of_one_merchant(t: Tampering) -> None:
    t.hand.run("CREATE RULE tidy AS ON DELETE TO decisions DO INSTEAD NOTHING")


@case("database", {"store-altered": None}, only="postgresql")
def a_policy_that_hides_the_records_of_one_merchant(t: Tampering) -> None:
    t.hand.run("CREATE POLICY tidy ON decisions USING (merchant_id <> 'm-13')")


@case("database", {"store-altered": None})
def a_view(t: Tampering) -> None:
    t.hand.run("CREATE VIEW tidy AS SELECT id FROM decisions WHERE merchant_id <> 'm-13'")
