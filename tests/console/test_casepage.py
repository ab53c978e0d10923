"""The page of a case: what it shows of a decision, what it never shows, and what it says of its proofs."""

import json
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import pytest
from sqlalchemy import delete, update

from policy_service.access.issuing import Issuing
from policy_service.access.trail import Act
from policy_service.decisions.audit.checks import FINDINGS, LIMITS
from policy_service.decisions.audit.origins import AskerKind
from policy_service.decisions.explaining.words import UNIT, WORD
from policy_service.decisions.ports.activations import Kind
from policy_service.pages import proof_words, words
from policy_service.policies.bundle import Bundle
from policy_service.proofs.tree import leaf_hash
from policy_service.store.tables import bundle_sources, decisions, log_entries, unsealed

Body = dict[str, Any]
ROOT = Path(__file__).parents[2]
PAGES = ROOT / "policy_service" / "pages"
TONGUES = ("zh", "en")
MOST_BYTES = 2**20
tongues = pytest.mark.parametrize("tongue", TONGUES)


# ---- what it shows


@tongues
def test_every_example_becomes_a_page_that_loads_nothing(shared: Any, posted: Body, tongue: str) -> None:
    id_ = shared.decide(posted)
    shared.seal()
    page = shared.page(id_, tongue)
    assert len(page.html.encode()) < MOST_BYTES
    assert page.all("html")[0].attributes["lang"] == {"zh": "zh-CN", "en": "en"}[tongue]
    assert not {"script", "img", "link", "iframe", "object", "form", "base"} & {e.tag for e in page.elements}
    for element in page.elements:
        assert not any(name.startswith("on") or name in ("src", "style") for name in element.attributes)
        assert re.match(r"#|\?lang=|/decisions/|$", element.attributes.get("href") or "")
    assert "failed" not in page.outcomes()
    assert "pending" not in page.outcomes()


@tongues
def test_every_reward_stands_with_its_amount_unit_and_claim_key(
    shared: Any, posted: Body, rules: Bundle, tongue: str
) -> None:
    id_ = shared.decide({**posted, "options": {"trace": "full"}})
    answer = shared.assembled.service.decision(id_)["answer"]
    page = shared.page(id_, tongue)
    table = next((t for t in page.all("table") if words.PAGE["granted"][tongue] in t.text), None)
    for reward in answer["rewards"]:
        policy = next(p for p in rules.rules.policies if p.id == reward["policy"])
        assert table is not None
        assert next(r for r in policy.rewards if r.id == reward["id"]).title[tongue] in table.text
        amount = reward["amount"]
        shown = (
            WORD["true" if amount else "false"][tongue]
            if isinstance(amount, bool)
            else f"{Decimal(amount).normalize():f}"
        )
        unit = UNIT.get(reward.get("unit", ""), {}).get(tongue, "")
        assert f" {shown} {unit}".rstrip() in table.text
        if "claim" in reward and isinstance(reward["claim"]["key"], str):
            assert reward["claim"]["key"] in table.text
            assert words.PER[reward["claim"]["per"]][tongue] in table.text
    for entry in answer["not_granted"]:
        policy = next(p for p in rules.rules.policies if p.id == entry["policy"])
        assert next(r for r in policy.rewards if r.id == entry["id"]).title[tongue] in page.text


def test_the_rows_that_fired_are_marked_in_the_rule_text(shared: Any, traffic: Body) -> None:
    page = shared.page(shared.decide(traffic))
    rows = [row.text for row in page.all("tr", "fired")]
    assert any("h10" in row and "[10..30)" in row for row in rows)
    assert not any(re.search(r"\bh(25|6|5|1)\b", row) for row in rows)
    assert all("● fired" in row for row in rows)


def test_without_a_trace_no_row_is_marked_and_the_page_says_why(shared: Any, traffic: Body) -> None:
    page = shared.page(shared.decide({**traffic, "options": {"trace": "none"}}))
    assert page.all("tr", "fired") == []
    assert "asked for no trace" in page.text


def test_the_rules_are_those_that_decided_and_not_those_of_today(
    own: Any, traffic: Body, changed: Callable[..., Bundle]
) -> None:
    id_ = own.decide(traffic)
    before = own.page(id_).text
    later = changed("chuanliu/traffic_hours.yaml", "| [10..30)                      | 10  ", "| [10..30)    | 11  ")
    own.assembled.publishing.adopt_folder(later, actor="test")
    assert own.decide(traffic) != id_
    assert own.page(id_).text == before
    assert "Chuanliu traffic: 10 hours" in before


def test_of_a_parameter_the_value_of_the_day_is_shown(
    serve: Any, traffic: Body, changed: Callable[..., Bundle]
) -> None:
    one = "      - {from: 2023-01-01, value: 4}\n"
    served = serve(changed("chuanliu/traffic_hours.yaml", one, one + "      - {from: 2023-04-02, value: 4.5}\n"))
    row = next(r.text for r in served.page(served.decide(traffic)).all("tr") if r.text.startswith("min_live_hours"))
    assert row.startswith("min_live_hours 4 hours 2023-01-01 stated")
    later = {**traffic, "as_of": "2023-04-02"}
    row = next(r.text for r in served.page(served.decide(later)).all("tr") if r.text.startswith("min_live_hours"))
    assert row.startswith("min_live_hours 4.5 hours 2023-04-02 stated")


def test_the_rule_file_stands_there_as_it_was_written(shared: Any, traffic: Body, rules: Bundle) -> None:
    page = shared.page(shared.decide(traffic))
    sources = ["".join(e.texts).strip() for e in page.all("details")]
    text = rules.sources["chuanliu/traffic_hours.yaml"].strip()
    assert any(source.endswith(text) for source in sources)
    assert str(ROOT) not in page.html


def test_inputs_stand_with_label_unit_value_and_who_reads_them(shared: Any, traffic: Body) -> None:
    page = shared.page(shared.decide(traffic), "zh")
    row = next(r.text for r in page.all("tr") if "distribution.buyer_hours_180d" in r.text and "chuanliu." in r.text)
    assert "近180天被分销买家量" in row
    assert re.search(r"12\.5 小时", row)
    assert "chuanliu.traffic_hours" in row


@tongues
def test_provenance_is_shown_and_cannot_become_markup(shared: Any, traffic: Body, tongue: str) -> None:
    hostile = "<script>alert(1)</script>\"'><img src=x onerror=y> {{ 7*7 }} </style>"
    provenance = {"source": hostile, "snapshot": hostile, "ticket": hostile}
    page = shared.page(shared.decide({**traffic, "provenance": provenance}), tongue)
    assert page.text.count(hostile) == 1, "the others may name a person, and are hidden"
    assert not {"script", "img"} & {e.tag for e in page.elements}


def test_a_correction_links_both_ways(shared: Any, traffic: Body) -> None:
    first = shared.decide(traffic)
    second = shared.decide({**traffic, "supersedes": first, "reason": "appeal"})
    assert f'href="/decisions/{second}?lang=en"' in shared.page(first).html
    page = shared.page(second)
    assert f'href="/decisions/{first}?lang=en"' in page.html
    assert f"corrects {first}: appeal, this decision" in page.text


# ---- who asked, who ordered


def test_the_key_that_asked_stands_with_its_name_and_who_made_it(own: Any, traffic: Body) -> None:
    issued = Issuing(own.assembled.keys, now=own.assembled.service.now).create(
        "payer", ["evaluate", "read"], actor="wei"
    )
    own.client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {issued.text}"
    own.client.environ_base["HTTP_IDEMPOTENCY_KEY"] = "order-7"
    id_ = own.decide(traffic)
    own.seal()
    page = own.page(id_)
    assert f"Asked bythe API key “payer”, which wei made at 2023-07-02T03:00:00.000Z key:{issued.key.id}" in page.text
    assert "posted; the record has a commitment to it" in page.text
    assert "order-7" not in page.html
    assert issued.key.digest not in page.html
    assert "Not that who used the key was its owner" in page.text


@pytest.mark.parametrize(
    ("tongue", "said"), [("en", "Asked bya request of this machine"), ("zh", "请求者本机上的请求")]
)
def test_without_keys_it_says_that_nobody_was_asked_for_one(shared: Any, traffic: Body, tongue: str, said: str) -> None:
    page = shared.page(shared.decide(traffic), tongue)
    assert said in page.text
    assert words.PAGE["not_keyed"][tongue] in page.text


def row_of(page: Any, start: str) -> str:
    return next(row.text for row in page.all("tr") if row.text.startswith(start))


def test_orders_and_stops_are_those_under_which_it_was_decided(own: Any, traffic: Body) -> None:
    publishing, before = own.assembled.publishing, own.decide(traffic)
    publishing.stop("membership.member_price", None, Act("wei", "价格有误"))
    during = own.decide(traffic)
    publishing.resume("membership.member_price", None, Act("lin", "已更正"))
    after = own.decide(traffic)
    own.seal()
    first = row_of(own.page(before), "2: the rules folder was put into force test 2023-07-02T03:00:00.000Z")
    assert re.search(r"rules folder index 1receipted by policy-service\+[0-9a-f]{8}$", first)
    page = own.page(during)
    assert row_of(page, "3: put into force with a stop in it wei").count("价格有误") == 1
    assert row_of(page, "2: the rules folder")
    assert row_of(page, "Member price membership.member_price wei 2023-07-02T03:00:00.000Z 价格有误")
    assert "The 1 stops then in force were kept" in page.text
    page = own.page(after)
    assert "No policy and no reward was stopped then." in page.text
    assert row_of(page, "4: put into force without a stop that had ended lin")
    assert [own.page(id_).failed() for id_ in (before, during, after)] == ["", "", ""]


def test_of_a_bundle_that_was_asked_for_by_its_id_the_last_order_of_it_stands_there(
    own: Any, traffic: Body, rules: Bundle, changed: Callable[..., Bundle]
) -> None:
    later = changed("chuanliu/traffic_hours.yaml", "| [10..30)                      | 10  ", "| [10..30)    | 11  ")
    own.assembled.publishing.adopt_folder(later, actor="test")
    page = own.page(own.decide({**traffic, "bundle": rules.id}))
    assert "The request named the bundle itself" in page.text
    assert row_of(page, "2: the rules folder")
    assert not [row for row in page.all("tr") if row.text.startswith("3:")]


def test_what_is_not_known_is_a_question_mark_in_inputs_and_conditions(shared: Any, traffic: Body) -> None:
    facts = {**traffic["facts"], "distribution": {**traffic["facts"]["distribution"], "buyer_hours_180d": None}}
    page = shared.page(shared.decide({**traffic, "facts": facts, "options": {"trace": "full"}}), "zh")
    row = next(row for row in page.all("tr") if "distribution.buyer_hours_180d" in row.text and "chuanliu." in row.text)
    assert "distribution.buyer_hours_180d ? chuanliu." in row.text
    optional = {name: value for name, value in traffic["facts"]["live"].items() if name != "peer_exposures_per_hour"}
    page = shared.page(shared.decide({**traffic, "facts": {**traffic["facts"], "live": optional}}), "en")
    assert "live.peer_exposures_per_hour ? chuanliu.traffic_hours" in page.text


@tongues
def test_conditions_are_sentences(shared: Any, traffic: Body, tongue: str) -> None:
    page = shared.page(shared.decide(traffic), tongue)
    assert {
        "zh": "✓ 近180天被分销买家量（小时） 12.5 小时，需介于 10 至 30 小时（含下限，不含上限）：满足",
        "en": "is 12.5 hours and must be from 10 to below 30 hours: met",
    }[tongue] in page.text


# ---- what it never shows


@tongues
def test_no_sensitive_value_is_on_the_page(shared: Any, member: Body, tongue: str) -> None:
    id_ = shared.decide(member)
    kept = {private.value.decode() for private in shared.assembled.auditing.decisions.decision(id_).privates}
    secret = ("zq-secret-77", "718281", "2021-07-19", "31415")
    assert {json.dumps(s) if not s.isdigit() else s for s in secret} <= kept
    page = shared.page(id_, tongue)
    assert not any(text in page.html for text in secret)
    assert words.PAGE["hidden"][tongue] in page.text
    row = next(r.text for r in page.all("tr") if "member.points" in r.text)
    assert words.PAGE["hidden"][tongue] in row


@tongues
def test_erased_values_are_said_to_be_erased_and_all_proofs_hold(own: Any, member: Body, tongue: str) -> None:
    id_ = own.decide(member)
    own.seal()
    erased = own.assembled.auditing.erasing.erase("member", "zq-secret-77", ticket="T-1", actor="test")
    assert erased.records == (id_,)
    own.seal()
    page = own.page(id_, tongue)
    assert words.PAGE["erased"][tongue] in page.text
    assert words.PAGE["hidden"][tongue] not in page.text
    assert page.failed() == ""
    assert any(proof_words.FINDING["private_erased"][tongue].format(count=erased.values) in t for _, t in page.checks())


def test_subjects_whose_ids_are_hidden_keep_their_own_rewards(
    serve: Any, member: Body, changed: Callable[..., Bundle]
) -> None:
    old = "        label: {zh: 商品编号, en: Product id}"
    served = serve(changed("facts.yaml", old, f"        sensitive: true\n{old}"))
    prices = {**member, "policies": ["membership.member_price"]}
    id_ = served.decide(prices)
    served.seal()
    page = served.page(id_)
    granted = next(t for t in page.all("table") if "Rewards granted" in t.text)
    rows = [r.text for r in page.all("tr") if r.text in granted.text and r.text.startswith("Member price member_price")]
    amounts = {re.search(r"member_price ([0-9.]+) yuan", row)[1]: row for row in rows}
    assert sorted(amounts) == ["24.27", "36", "83.6"]
    numbers = [re.search(r"\(hidden (\d)\)", row)[1] for row in amounts.values()]
    assert len(set(numbers)) == 3
    assert "p-tissue" not in page.html

    served.assembled.auditing.erasing.erase("member", "zq-secret-77", ticket="T-1", actor="test")
    page = served.page(id_)
    granted = next(t for t in page.all("table") if "Rewards granted" in t.text)
    assert [granted.text.count(f" {amount} yuan") for amount in sorted(amounts)] == [1, 1, 1]
    assert "cannot be told apart" in page.text


# ---- proof status


def test_what_waits_is_said_to_wait(own: Any, traffic: Body) -> None:
    id_ = own.decide(traffic)
    page = own.page(id_)
    assert page.outcomes()["pending"] == 2, "the decision, and the order that put its rules into force"
    assert "something is awaited; everything else checked fits" in page.text
    assert "Not that the record is in the log" in page.text
    own.seal()
    page = own.page(id_)
    assert page.outcomes() == {"ok": 8, "absent": 1}
    assert "everything checked fits" in page.text
    assert "Sealed in the log at index 2" in page.text


def tamper(own: Any, *statements: Any) -> None:
    with own.database.begin() as connection:
        for statement in statements:
            connection.execute(statement)


def altered(own: Any, id_: str) -> bytes:
    body: bytes = own.assembled.auditing.decisions.decision(id_).body
    assert body.count(b'"m-1003"') > 1
    return body.replace(b'"m-1003"', b'"m-6666"')


@pytest.mark.parametrize("sealed", [True, False])
def test_a_changed_record_is_named_and_nothing_that_it_says_is_shown(own: Any, traffic: Body, sealed: bool) -> None:
    id_ = own.decide(traffic)
    if sealed:
        own.seal()
    tamper(own, update(decisions).where(decisions.c.id == id_).values(body=altered(own, id_)))
    for tongue in TONGUES:
        page = own.page(id_, tongue)
        assert proof_words.FINDING["record_altered"][tongue].partition("{")[0] in page.failed()
        assert "m-6666" not in page.html
        assert not page.all("table", "granted")
        assert [e for e in page.elements if e.attributes.get("id") == "granted"] == []


def test_a_record_that_was_changed_with_its_hashes_is_not_in_the_tree(own: Any, traffic: Body) -> None:
    id_ = own.decide(traffic)
    own.decide(traffic)
    own.seal()
    body = altered(own, id_)
    forged = {"leaf": leaf_hash(body).hex()}
    tamper(
        own,
        update(decisions).where(decisions.c.id == id_).values(body=body, **forged),
        update(log_entries).where(log_entries.c.id == id_).values(**forged),
    )
    page = own.page(id_)
    assert "Its inclusion proof fails" in page.failed()
    assert "signed for another record" in page.failed()
    assert "m-6666" not in page.html


def test_a_record_that_is_no_json_still_gives_a_page(own: Any, traffic: Body) -> None:
    id_ = own.decide(traffic)
    body = b"\xff<script>"
    tamper(
        own, update(decisions).where(decisions.c.id == id_).values(body=body, leaf=leaf_hash(body).hex(), receipt=None)
    )
    page = own.page(id_)
    assert "no record of this decision" in page.failed()


def test_a_record_that_is_not_in_the_log_is_named(own: Any, traffic: Body) -> None:
    id_ = own.decide(traffic)
    tamper(own, delete(unsealed))
    assert "Neither sealed nor waiting" in own.page(id_).failed()


@pytest.mark.parametrize("receipt", ["{}", "no json", None])
def test_a_receipt_that_was_changed_or_lost_is_named(own: Any, traffic: Body, receipt: str | None) -> None:
    id_ = own.decide(traffic)
    tamper(own, update(decisions).where(decisions.c.id == id_).values(receipt=receipt))
    page = own.page(id_)
    assert ("There is no receipt" if receipt is None else "receipt is not signed by a known key") in page.failed()
    assert "m-1003" not in page.html, "nothing shows that the service made the record"


def test_rules_that_were_changed_are_named_and_not_shown(own: Any, traffic: Body) -> None:
    id_ = own.decide(traffic)
    text = bundle_sources.c.text
    tamper(own, update(bundle_sources).where(text.contains("| 10  ")).values(text="forged: true"))
    page = own.page(id_)
    assert "do not give the bundle that decided" in page.failed()
    assert "forged" not in page.html


# ---- words


def test_every_finding_limit_asker_and_order_has_words() -> None:
    assert set(proof_words.FINDING) == set(FINDINGS)
    assert set(proof_words.LIMIT) == set(LIMITS)
    assert set(proof_words.ASKER) == {*get_args(AskerKind), "key_unknown"}
    assert set(proof_words.ORDER_KIND) == set(get_args(Kind))


def test_both_languages_of_every_word_have_the_same_gaps() -> None:
    tables = [table for name, table in (*vars(words).items(), *vars(proof_words).items()) if name.isupper()]
    assert len(tables) > 8
    for table in tables:
        for key, said in table.items():
            assert set(said) == set(TONGUES), key
            assert all(text.strip() for text in said.values()), key
            gaps = [sorted(re.findall(r"\{(\w*)\}", said[tongue])) for tongue in TONGUES]
            assert gaps[0] == gaps[1], key


def test_no_word_of_a_page_is_unused_or_missing() -> None:
    source = "".join(file.read_text("utf-8") for file in PAGES.rglob("*") if file.suffix in (".py", ".html"))
    for key in words.PAGE:
        stem = key.removesuffix("_n")
        assert len(re.findall(rf"""["']{key}["']|\{{word\}}_n|["']{stem}["']""", source)) >= 2, key
