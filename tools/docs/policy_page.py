"""The page of one policy: what it grants, to whom, when, by which tables and numbers, with an example."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from policy_service.decisions.explaining import catalogue
from policy_service.decisions.explaining.phrasing import Phrases
from policy_service.decisions.explaining.words import UNIT, Tongue, word
from policy_service.policies import model
from policy_service.policies.model import Expression, Policy
from tools.docs.markdown import as_json, code, codes, fence, one_line, sections, table
from tools.docs.policy_example import example
from tools.docs.shipped import Shipped

TONGUES: tuple[Tongue, ...] = ("zh", "en")
Entry = Mapping[str, Any]


def page(shipped: Shipped, id_: str) -> str:
    files = shipped.rules.versions(id_)
    parts = [f"# {both(files[-1].title)}", f"[All policies of its family](index.md) · {code(id_)}"]
    for file in files:
        heading = f"## From {file.effective.period.start}" if len(files) > 1 else ""
        parts += [heading, *_File(shipped, file).parts()]
    return sections(*parts) + "\n"


class _File:
    """One file of a policy."""

    def __init__(self, shipped: Shipped, file: Policy) -> None:
        self.shipped, self.file, self.rules = shipped, file, shipped.rules
        self.day = file.effective.period.start
        self.said: Entry = catalogue.policy(shipped.bundle, file.id, self.day)
        self.phrases = {tongue: Phrases(self.rules, file, tongue) for tongue in TONGUES}

    def parts(self) -> Iterator[str]:
        yield self._frame()
        yield self._rewards()
        yield from self._decisions()
        yield self._parameters()
        yield self._recommendations()
        yield self._readings()
        yield self._facts()
        yield from self._example()

    def _frame(self) -> str:
        """What, for whom, when, from where."""
        subject = self.rules.dictionary.subjects[self.file.subject]
        rows = [
            ["rule file", f"[{self.file.file}](../../../{self.file.file})"],
            ["judged per", f"{both(subject.label)} ({code(self.file.subject)})"],
            ["in force", self._period()],
            ["audience", self._audience()],
            ["source", _source(self.said["source"]) or "none"],
            ["constants", self._constants()],
        ]
        return table(["", ""], rows)

    def _period(self) -> str:
        effective = self.said["effective"]
        end = effective["to"]
        last = f"through {date.fromisoformat(end) - timedelta(days=1)}" if end else "on"
        campaign = f", the campaign {code(effective['campaign'])}" if effective["campaign"] else ""
        return f"from {effective['from']} {last} ({effective['basis']}){campaign}"

    def _audience(self) -> str:
        """Who is judged: the sections that must be posted, and the condition in words and as written."""
        said = []
        if self.said["needs"]:
            said.append(f"who posts {codes(self.said['needs'])}")
        if self.file.applies is not None:
            condition = self._spelled(self.file.applies)
            words = " · ".join(self.phrases[tongue].text(condition.tree) for tongue in TONGUES)
            said.append(f"{words}: {code(condition.text)}")
        return "\n".join(said) or "everyone"

    def _spelled(self, condition: Expression) -> Expression:
        """The expression of a decision that is named alone."""
        decision = self.file.decisions.get(condition.text)
        return decision.body if decision is not None and isinstance(decision.body, Expression) else condition

    def _constants(self) -> str:
        own = [c for c in self.shipped.constants if c.policy == self.file.id]
        stated = sum(c.basis == "stated" for c in own)
        return f"{stated} stated, {len(own) - stated} assumed"

    # ---- rewards

    def _rewards(self) -> str:
        if not self.said["rewards"]:
            return ""
        rows = [
            [code(r["id"]), both(r["title"]), self._when(r), self._amount(r), _claim(r)] for r in self.said["rewards"]
        ]
        header = ["reward", "title", "granted when", "amount", "claim"]
        return sections("## Rewards", table(header, rows), self._details(), self._exceptions())

    def _when(self, answer: Entry) -> str:
        return code(self._cell(answer["row"], answer["when"])) if answer["when"] else "always"

    def _cell(self, row: Entry | None, text: str) -> str:
        """An expression; where it is a column of the answer's own row, what stands there."""
        if row is None:
            return text
        relation = self.file.decisions[row["relation"]].body
        assert isinstance(relation, model.RelationTable)
        cells = next(r.cells for r in relation.rows if r.id == row["row"])
        by_name = {c.name: cell.text for c, cell in zip(relation.columns, cells, strict=True)}
        return by_name.get(text, text)

    def _amount(self, reward: Entry) -> str:
        unit = word(UNIT, reward["unit"], "en") if reward["unit"] else ""
        kind = kind_words(reward["kind"])
        amount = f"{code(self._cell(reward['row'], reward['amount']))} {unit}".rstrip()
        return f"{amount} ({kind})"

    def _details(self) -> str:
        """What else a reward carries, once per declaration."""
        lines = {}
        for reward in self.said["rewards"]:
            for name, text in reward["details"].items():
                lines[f"- detail {code(name)}: {code(text)}"] = None
            if reward["stack"] is not None:
                lines[f"- {code(reward['id'])} stacks in group {code(reward['stack'])}"] = None
            if reward["validity"] is not None:
                lines[f"- {code(reward['id'])} can be used for {code(reward['validity'])} from the day judged"] = None
        return "\n".join(lines)

    def _exceptions(self) -> str:
        """What takes an earned reward away: the policy's exceptions, then those of the bundle."""
        rows: dict[tuple[str, ...], None] = {}
        for reward in self.said["rewards"]:
            for one in reward["except"]:
                when = self._cell(reward["row"], one["when"])
                if when != "false":
                    of = "" if reward["row"] is None else f" (of {code(reward['id'])})"
                    rows[code(one["id"]) + of, code(when), both(one["text"]), one["basis"]] = None
        for exclusion in self.rules.settings.exclusions:
            text = {tongue: template.text for tongue, template in exclusion.text.items()}
            where = f"{code(exclusion.id)} (every policy)"
            rows[where, code(exclusion.when.text), both(text), exclusion.basis] = None
        if not rows:
            return ""
        return sections("Not granted although earned:", table(["exception", "when", "text", "basis"], map(list, rows)))

    # ---- decisions

    def _decisions(self) -> Iterator[str]:
        if self.said["decisions"]:
            yield "## Decisions"
        for decision in self.said["decisions"]:
            title = f": {both(decision['title'])}" if decision["title"] else ""
            yield f"### {code(decision['decision'])}{title}"
            if "expression" in decision:
                yield f"{code(decision['expression'])} ({decision['type']})"
            elif "table" in decision:
                yield from _decision_table(decision["table"])
            else:
                yield from _relation(self.file.decisions[decision["decision"]].body, decision["relation"])

    # ---- numbers, texts, readings

    def _parameters(self) -> str:
        rows = [
            [code(p["name"]), p["unit"] or "", v["from"], _value(v["value"]), v["basis"], _stated(v)]
            for p in self.said["parameters"]
            for v in p["values"]
        ]
        header = ["parameter", "unit", "from", "value", "basis", "source"]
        return sections("## Parameters", table(header, rows)) if rows else ""

    def _recommendations(self) -> str:
        rows = [
            [code(r["id"]), str(r["priority"]), self._when(r), r["text"]["zh"], r["text"]["en"]]
            for r in self.said["recommendations"]
        ]
        header = ["recommendation", "priority", "given when", "zh", "en"]
        return sections("## Recommendations", table(header, rows)) if rows else ""

    def _readings(self) -> str:
        rows = [[code(r["id"]), r["basis"], r["text"]["zh"], r["text"]["en"]] for r in self.said["readings"]]
        if not rows:
            return ""
        head = "How an unclear source was read; the assumed ones are for the policy team to confirm."
        return sections("## Readings", head, table(["reading", "basis", "zh", "en"], rows))

    def _facts(self) -> str:
        named = self.said["facts"]
        lines = [f"- {word_}: {codes(named[word_]) or 'none'}" for word_ in ("required", "optional")]
        return sections("## Facts it reads", "\n".join(lines), "[What they mean](../../facts.md)")

    def _example(self) -> Iterator[str]:
        found = example(self.shipped, self.file)
        if found is None:
            return
        yield f"## Example\n\nA case of its [test file]({self._test_file()}): {found.name}, on {found.as_of}."
        yield fence(as_json(found.facts), "json")
        yield "In short:"
        yield fence(as_json(found.answer), "json")

    def _test_file(self) -> str:
        stem = self.file.file.removesuffix(".yaml").partition("@")[0]
        return f"../../../{stem}.test.yaml"


def _decision_table(found: Entry) -> Iterator[str]:
    default = found["default"]
    known = "" if default in (None, ["null"]) else f" No row: {codes(default)}."
    yield f"Hit policy {code(found['hit'])}.{known}"
    yield _grid(found["header"], found["rows"])


def _relation(body: Any, found: Entry) -> Iterator[str]:
    """The rows; columns that are computed by one formula in all of them are listed below."""
    assert isinstance(body, model.RelationTable)
    width = 1 + len(body.columns)
    columns = list(zip(*found["rows"], strict=True))
    same = [at for at in range(1, width) if len(columns[at]) > 1 and _is_formula(columns[at])]
    kept = [at for at in range(len(found["header"])) if at not in same]
    yield _grid([found["header"][at] for at in kept], [[row[at] for at in kept] for row in found["rows"]])
    if same:
        yield "In every row:"
        yield "\n".join(f"- {code(found['header'][at])} = {code(columns[at][0])}" for at in same)


def _is_formula(cells: tuple[str, ...]) -> bool:
    """Whether all rows have one expression that is no mere value."""
    return len(set(cells)) == 1 and any(sign in cells[0] for sign in " (")


def _grid(header: list[str], rows: list[list[str]]) -> str:
    """A table of a rule file; `-` matches anything, as there."""
    notes = [at for at, name in enumerate(header) if name.startswith("#")]
    heads = [name.removeprefix("# ") if at in notes else code(name) for at, name in enumerate(header)]
    return table(heads, [[c if at in notes or c == "-" else code(c) for at, c in enumerate(row)] for row in rows])


def _claim(reward: Entry) -> str:
    claim = reward["claim"]
    if claim["per"] == "none":
        return "none"
    per = "once" if claim["per"] == "once" else f"per {claim['per']}"
    terms = [] if claim["on_increase"] == "top_up" else ["keeps on increase"]
    terms += [] if claim["on_decrease"] == "keep" else ["claws back on decrease"]
    return ", ".join([per, *terms])


def _value(value: Any) -> str:
    return "ends" if value is None else code(value if isinstance(value, str) else one_line(value))


def _source(source: Mapping[str, str] | None) -> str:
    """`seed 004, section 2.1.3`."""
    return ", ".join(f"{name} {value}" for name, value in (source or {}).items())


def _stated(found: Entry) -> str:
    """Where a stated value is from; an assumed one has no source."""
    return _source(found["source"]) if found["basis"] == "stated" else ""


def both(text: Mapping[str, str]) -> str:
    return " · ".join(text[tongue] for tongue in TONGUES if tongue in text)


def kind_words(kind: str) -> str:
    return kind.replace("_", " ")
