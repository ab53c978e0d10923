"""The HTTP contract: routes, keys and problems from OpenAPI, with examples that the real application answers."""

from collections.abc import Iterator
from typing import Any

from policy_service.access.principals import ROLES
from policy_service.decisions.audit import cost
from policy_service.facts import MAX_ELEMENTS
from policy_service.problems.bodies import MOST_SHOWN
from policy_service.problems.kinds import KINDS
from policy_service.requests.schemas import LONGEST_PATTERN, LONGEST_PROVENANCE, MOST_PATTERNS
from policy_service.settings import Settings
from tools.docs.markdown import code, codes, one_line, parsed, sections, table
from tools.docs.playing import EXAMPLES, Example, Play, shown
from tools.docs.shipped import Shipped, scene

_METHODS = ("get", "post", "put", "delete")
REQUEST_SCHEMAS = ("EvaluateRequest", "Options", "Provenance")
ANSWER_SCHEMAS = (
    "Answer", "Reward", "Claim", "Cut", "Validity", "NotGranted", "Recommendation", "PolicyEntry", "Row", "Leaf",
    "Subject", "Text",
)  # fmt: skip


_PAGE = "200, 401, 403, 404, 421, 422, 429, 500, 503"
FAULTY = Example(
    "POST", "/v1/evaluate",
    {"as_of": "2023-04-31", "facts": {"merchant": {"id": "m-1"}, "live": {"hours_today": 25, "hours_todya": 5.001}}},
)  # fmt: skip


class Contract:
    """The contract of the running application."""

    def __init__(self, shipped: Shipped) -> None:
        self._shipped, self.client = shipped, shipped.client
        self.spec: dict[str, Any] = parsed(self.client.get("/openapi.json").get_data())

    # ---- routes

    def routes(self) -> str:
        """Every route with what it does and its statuses."""
        rows = [
            [f"[{name}]({_anchor(name)})", _sentence(o["summary"]), _roles(o), _statuses(o)]
            for name, o in self.operations()
        ]
        rows += [
            ["GET /openapi.json", "This contract as OpenAPI 3.1", "–", "200, 304"],
            ["GET /docs", "This contract as a page to try it on", "–", "200"],
            ["GET /decisions/{id}", "The case of a decision as a page, `?lang=zh` or `en`", "read, audit", _PAGE],
        ]
        return table(["route", "does", "role", "statuses"], rows)

    def details(self) -> str:
        """Every route with its parameters and an example."""
        with scene(self._shipped.root, self._shipped.bundle) as served:
            play = Play(self._shipped, served)
            asked = {name: play.shown(o["operationId"]) for name, o in self._in_example_order()}
        return sections(*(self._detail(name, o, asked[name]) for name, o in self.operations()))

    def operations(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """`GET /path` with what OpenAPI says of it."""
        for path, item in self.spec["paths"].items():
            for method in _METHODS:
                if method in item:
                    shared = item.get("parameters", [])
                    yield (
                        f"{method.upper()} {path}",
                        item[method] | {"parameters": [*shared, *item[method].get("parameters", [])]},
                    )

    def _in_example_order(self) -> list[tuple[str, dict[str, Any]]]:
        order = list(EXAMPLES)
        return sorted(self.operations(), key=lambda found: order.index(found[1]["operationId"]))

    def _detail(self, name: str, operation: dict[str, Any], example: str) -> str:
        parameters = [[code(p["name"]), p["in"], p.get("description") or _instance(p)] for p in operation["parameters"]]
        return sections(
            f"### {name}",
            *((f"Role: {_roles(operation)}.",) if _roles(operation) != "–" else ()),
            " ".join(f"{operation['summary']} {operation.get('description', '')}".split()),
            table(["parameter", "in", "meaning"], parameters) if parameters else "",
            example,
        )

    def faulty(self) -> str:
        """A refused request with its problem."""
        return shown(self.client, FAULTY)

    def idempotency(self) -> str:
        """What requests under one key are answered with."""
        rows = []
        for hours in ("5", "5.00", "6"):
            facts = f'{{"merchant": {{"id": "m-2"}}, "live": {{"hours_today": {hours}}}}}'
            response = self.client.post(
                "/v1/evaluate", data=f'{{"as_of": "2023-04-01", "facts": {facts}}}',
                headers={"Idempotency-Key": "m-2/1"}, content_type="application/json",
            )  # fmt: skip
            again = response.headers.get("Idempotent-Replayed", "")
            rows.append([code(f'"hours_today": {hours}'), response.status, again])
        return table(["under the key `m-2/1`", "answer", "`Idempotent-Replayed`"], rows)

    # ---- keys

    def request(self) -> str:
        """The keys of a request."""
        return sections(*(self._schema(name, "needed") for name in REQUEST_SCHEMAS))

    def answer(self) -> str:
        """The keys of an answer and of what stands in it."""
        return sections(*(self._schema(name, "always there") for name in ANSWER_SCHEMAS))

    def _schema(self, name: str, required: str) -> str:
        schema = self.spec["components"]["schemas"][name]
        needed = schema.get("required", ())
        rows = [
            [code(key), _type(of), "yes" if key in needed else "", _meaning(of)]
            for key, of in schema["properties"].items()
        ]
        return f"**{name}**\n\n{table(['key', 'value', required, 'meaning'], rows)}"


def problems() -> str:
    """Every type of problem."""
    rows = [[str(kind.status), code(kind.type), f"{kind.title}. {kind.meaning}"] for kind in KINDS.values()]
    return table(["status", "type", "meaning"], sorted(rows))


def limits() -> str:
    """What bounds a request."""
    known = Settings()
    rows = [
        ["body", f"{known.max_body:,} bytes (`POLICY_MAX_BODY`)"],
        ["body of a batch", f"{known.max_batch_body:,} bytes (`POLICY_MAX_BATCH_BODY`); each item as a body"],
        ["items of a batch", f"{known.max_items:,} (`POLICY_MAX_ITEMS`)"],
        ["batches of a worker at a time", "half its threads, at least one (`POLICY_MAX_BATCHES`)"],
        ["posted bundle", f"{known.max_bundle:,} bytes (`POLICY_MAX_BUNDLE`)"],
        ["its files, unpacked", f"{known.max_bundle_unpacked:,} bytes (`POLICY_MAX_BUNDLE_UNPACKED`)"],
        ["check of a posted bundle", f"{known.check_seconds} seconds (`POLICY_CHECK_SECONDS`)"],
        ["memory of that check", f"{known.check_memory_mb:,} MiB (`POLICY_CHECK_MEMORY_MB`)"],
        ["answer to one state, replay or comparison", f"{known.max_answer:,} bytes (`POLICY_MAX_ANSWER`)"],
        ["cost of a comparison", f"{cost.MOST:,} policies judged, each for one subject"],
        ["evaluation", f"{known.request_seconds} seconds (`POLICY_REQUEST_SECONDS`)"],
        ["evaluation of a batch", f"{known.batch_seconds} seconds (`POLICY_BATCH_SECONDS`)"],
        ["arrival of a request", f"{known.read_seconds} seconds and one more for every 16 KiB (`POLICY_READ_SECONDS`)"],
        ["requests that wait for a thread", f"{known.max_waiting} of a worker (`POLICY_MAX_WAITING`)"],
        ["requests and items of batches a second", "those of the key, or `POLICY_RATE_LIMIT`; by default any number"],
        ["nesting of the body", f"{known.max_depth} (`POLICY_MAX_DEPTH`)"],
        ["elements of a list section, such as `products`", f"{MAX_ELEMENTS:,}"],
        ["`policies`", f"{MOST_PATTERNS} patterns of {LONGEST_PATTERN} characters"],
        ["`provenance`", f"{LONGEST_PROVENANCE:,} bytes in all"],
        ["ids of merchants, products, …", "1 to 64 of `A-Z a-z 0-9 . _ : -`"],
        ["`Idempotency-Key`", "1 to 255 visible ASCII characters"],
        ["faults that one problem lists", f"{MOST_SHOWN:,}"],
    ]
    return table(["of", "at most"], rows)


def _anchor(name: str) -> str:
    """Where GitHub puts a heading."""
    return "#" + "".join(c for c in name.lower().replace(" ", "-") if c.isalnum() or c in "-_")


def _instance(parameter: dict[str, Any]) -> str:
    return f"As in {code(parameter['example'])}." if "example" in parameter else ""


def _roles(operation: dict[str, Any]) -> str:
    """The roles of which one is enough."""
    roles = operation.get("x-roles", ())
    return "any" if set(roles) == set(ROLES) else ", ".join(roles) or "–"


def _sentence(text: str) -> str:
    return text.partition(". ")[0].rstrip(".")


def _statuses(operation: dict[str, Any]) -> str:
    return ", ".join(sorted(operation["responses"]))


def _meaning(of: dict[str, Any]) -> str:
    """What OpenAPI says of a key; the values it can have where there are few."""
    default = f"Default {code(str(of['default']).lower())}." if "default" in of else ""
    members = [str(one) for one in of.get("enum", ()) if one is not None]
    listed = f"One of {codes(members)}." if members else ""
    return " ".join(filter(None, (of.get("description", ""), listed, default)))


def _type(of: dict[str, Any]) -> str:
    """The type of a key in words."""
    if "const" in of:
        return code(one_line(of["const"]))
    named = [one["$ref"].rpartition("/")[2] for one in (of, *of.get("anyOf", ())) if "$ref" in one]
    if named:
        return named[0]
    kinds = of.get("type", "any")
    plain = [k for k in kinds if k != "null"] if isinstance(kinds, list) else [kinds]
    if plain == ["array"]:
        return f"list of {_type(of['items'])}"
    return f"{plain[0]} ({of['format']})" if "format" in of else plain[0]
