"""One page per code: those of rule files from tests/diagnostics, those of requests as the application answers them."""

import re
from pathlib import Path
from typing import Any

from policy_service.api import examples
from policy_service.diagnostics.catalogue import ALL, Code
from tools.docs.markdown import as_json, code, fence, one_line, parsed, sections, table
from tools.docs.shipped import Shipped

FOLDER = "docs/diagnostics"
_FENCE = re.compile(r"^```(\w+) (\w+)=(\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_AREAS = {
    "L": "Language: expressions and cells",
    "F": "Facts: `facts.yaml`",
    "P": "Rule files",
    "T": "Tables",
    "E": "Engines",
    "A": "Requests",
    "D": "Decisions and log",
}
_FACTS = {"merchant": {"id": "m-1"}}
BODIES: dict[str, Any] = {
    "A101": {"as_of": "2023-04-01", "facts": _FACTS | {"live": {"hours_today": "5"}}},
    "A102": {"as_of": "2023-04-01", "facts": _FACTS | {"live": {"hours_today": 5.001}}},
    "A103": {"as_of": "2023-04-01", "facts": _FACTS | {"live": {"hours_today": 25}}},
    "A104": {"as_of": "2023-04-01", "facts": _FACTS | {"live": {"hours_todya": 5}}},
    "A105": {"as_of": "2023-04-31", "facts": _FACTS},
    "A106": {"as_of": "2023-04-01", "facts": {"merchant": {"id": "m-1", "opened_on": "2023-04-02"}}},
    "A107": {"as_of": "2023-04-01", "facts": {"merchant": {"id": "m-1", "store_type": "shop"}}},
    "A108": {"as_of": "2023-04-01", "facts": {"merchant": {"id": "m 1"}}},
    "A109": {"as_of": "2023-04-01", "facts": {"merchant": {"tier": 3}}},
    "A110": {"as_of": "2023-04-01", "facts": _FACTS | {"products": [{"id": "p-1"}, {"id": "p-1"}]}},
    "A111": {"merchant_id": "m-2", "as_of": "2023-04-01", "facts": _FACTS},
    "A112": {"as_of": "2023-04-01", "facts": {"merchant": {"id": "m-1", "category": "tissue\u0000"}}},
    "A113": {"as_off": "2023-04-01", "as_of": "2023-04-01", "facts": _FACTS},
    "A114": {"facts": _FACTS},
    "A115": {"as_of": "2023-04-01", "facts": _FACTS, "policies": ["chuanlui.*"]},
    "A116": {"as_of": "2023-04-01", "facts": _FACTS, "bundle": "sha256:" + "0" * 64},
    "A117": {"as_of": "2023-04-01", "facts": _FACTS, "purpose": "try"},
    "A118": {"as_of": "2023-04-01", "facts": _FACTS, "policies": ["chuanliu.*"] * 101},
    "A119": b'{"as_of": "2023-04-01", "as_of": "2023-04-02", "facts": {"merchant": {"id": "m-1"}}}',
    "A120": b'{"as_of": "2023-04-01", "facts": {"live": {"hours_today": NaN}}}',
    "A121": {"as_of": "2023-04-01", "facts": {"live": [[[[[[[[[[[[[[[5]]]]]]]]]]]]]]]}},
    "A122": {
        "as_of": "2023-04-01", "facts": _FACTS, "reason": "appeal",
        "supersedes": "01873a5e-8400-7c3e-9f6b-000000000000",
    },
    "A123": b'{"as_of": "2023-04-01", "facts": {}}' + b" " * 1_048_576,
    "A124": examples.REQUEST,
}  # fmt: skip
"""For each code of a request a body that earns it."""
_HEADERS = {"A124": {"Idempotency-Key": "two words"}}
_SHORTENED = {
    "A118": "`policies` holds 101 patterns.",
    "A123": "A body of more than 1,048,576 bytes.",
}
"""What stands for a body too long to be shown."""
NOTES = {
    "A125": "`POST /v1/evaluate`, an item of a batch, a replay and a comparison answer 422 with it where the answer "
    "would be larger than `POLICY_MAX_ANSWER`, such as one about 1000 products with `options.trace` `full`. Nothing "
    "was recorded: ask with the trace `none`, for fewer policies, or with fewer elements of a list.",
    "D101": "`GET /readyz` and every request that needs the store answer 503 with it, and `Retry-After`. Nothing was "
    "decided. See that the file or server of `POLICY_DATABASE_URL` can be reached and written, then ask again; with an "
    "`Idempotency-Key` a repeated request cannot decide twice.",
    "D102": "`GET /readyz` and every request answer 503 with it until rules are activated. `policyctl serve` activates "
    "the bundle of `POLICY_RULES` at its start.",
    "D103": "`GET /readyz` answers 503 with it while a worker that was told to end finishes its requests, so that a "
    "load balancer sends it no more.",
    "D104": "`GET /readyz` answers 503 with it while the agent of `POLICY_SIGNING_AGENT` does not answer, has not the "
    "key, or signs something else; the log of the service says which. Nothing is decided meanwhile: a decision without "
    "a receipt is none, and its request is answered 503 [D101](D101.md). Start the agent, or give it the key; the "
    "service goes on by itself.",
    "D105": "`GET /readyz` answers 503 with it, and nothing is decided, where the log of the store was not begun, was "
    "set back behind what this host saw signed, has an order that nobody with a key of the log gave, or does not know "
    "the key of this host. `policyctl serve` does not start then. The log of the service says which; what to do is in "
    "[operations](../operations.md#the-guard).",
    "E101": "Nothing is loosened to hold such rules: simplify the table or expression that it names.",
}


def pages(shipped: Shipped) -> dict[str, str]:
    """The page of every code, and the index."""
    found = {f"{FOLDER}/{one.code}.md": _page(one, shipped) for one in ALL}
    return found | {f"{FOLDER}/index.md": _index()}


def _index() -> str:
    parts = []
    for letter, area in _AREAS.items():
        rows = [
            [f"[{one.code}]({one.code}.md)", one.name, one.severity, one.explanation]
            for one in sorted(ALL, key=lambda c: c.code)
            if one.code.startswith(letter)
        ]
        parts.append(f"## {area}\n\n{table(['code', 'name', 'severity', 'says'], rows)}")
    head = (
        "# Diagnostics\n\n"
        'A code is a letter and three digits and is never reused; its name completes "allow …". Codes of rule files\n'
        "are what `policyctl check` prints; those of requests stand in `errors` of a [problem](../http.md#problems).\n"
        "An error keeps a bundle from becoming active; a warning does not."
    )
    return sections(head, *parts) + "\n"


def _page(one: Code, shipped: Shipped) -> str:
    source = shipped.root / "tests" / "diagnostics" / f"{one.code}.md"
    if source.exists():
        return _of_rules(source)
    head = f"# {one}\n\n{one.explanation}"
    body = _of_request(one.code, shipped) if one.code in BODIES else NOTES.get(one.code, "")
    return sections(head, body) + "\n"


def _of_rules(source: Path) -> str:
    """The page whose blocks the tests run, with the names of its files as text."""
    return _FENCE.sub(_file, source.read_text("utf-8"))


def _file(match: re.Match[str]) -> str:
    kind, word, path, body = match.groups()
    if word == "without":
        return f"There is no {code(path)}."
    many = ", with the line of `{n}` 5001 times, for 0 to 5000" if word == "many" else ""
    return f"{code(f'rules/{path}')}{many}:\n\n{fence(body, kind)}"


def _of_request(name: str, shipped: Shipped) -> str:
    """A request that earns the code, and the problem it is answered with."""
    body, headers = BODIES[name], _HEADERS.get(name, {})
    data = body if isinstance(body, bytes) else one_line(body).encode()
    response = shipped.client.post("/v1/evaluate", data=data, headers=headers, content_type="application/json")
    problem = parsed(response.get_data())
    if name not in {error["code"] for error in problem["errors"]}:
        raise RuntimeError(f"the body of {name} earns {problem['errors']}")
    shown = data.decode() if isinstance(body, bytes) else as_json(body)
    lines = ["POST /v1/evaluate", *(f"{key}: {value}" for key, value in headers.items()), "", shown]
    asked = _SHORTENED.get(name) or fence("\n".join(lines), "http")
    return sections(asked, f"{response.status}:", fence(as_json(problem), "json"))
