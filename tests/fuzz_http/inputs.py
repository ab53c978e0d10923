"""Hostile inputs: bytes for one connection, none of which may lead to a decision.

Two things keep them from it. Where bytes are changed blindly, the request names no day, and a decision needs one. Where
values are exchanged, it asks for a preview, and that stays.
"""

import copy
import gzip
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from policy_service.api import examples

EVALUATE, BATCH, BUNDLES = "/v1/evaluate", "/v1/evaluate/batch", "/v1/bundles"
JSON, NDJSON = "application/json", "application/x-ndjson"
_PREVIEW: dict[str, Any] = {**examples.REQUEST, "purpose": "preview"}
_NO_DAY: dict[str, Any] = {key: value for key, value in _PREVIEW.items() if key != "as_of"}
_METHODS = [
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "PATCH",
    "DELETE",
    "OPTIONS",
    "TRACE",
    "CONNECT",
    "get",
    "BREW",
    "PO ST",
    "\x00",
]
_IDS = ["chuanliu.traffic_hours", "01873a5e-8400-7c3e-9f6b-2b1d6c0a4e11", "sha256:" + "0" * 64, "%00", "..", "a" * 3000]
_NUMBERS = ["1e999999", "-1e-999999", "1" * 5000, "0." + "1" * 5000, "1E+400", "-0", "00", "1.", ".5", "0x10", "+1"]
_NUMBERS += [
    "NaN",
    "Infinity",
    "-Infinity",
    "1e",
    "9" * 400 + "e-400",
    "1e308",
    "12345678901234567890",
    "1e9999999999999999999",
]
_TEXTS = [
    '"\\ud800"',
    '"\\u0000"',
    '"\\udc00\\ud800"',
    '"\\x"',
    '"\t"',
    "'a'",
    '"\\ud83d\\ude00"',
    '"' + "x" * 70_000 + '"',
]
_VALUES = [
    None,
    True,
    False,
    0,
    -1,
    2**63,
    2**400,
    0.1,
    1e300,
    "",
    "x" * 2000,
    "\x00",
    "\ud800",
    "川" * 500,
    [],
    {},
    [[]],
]
_VALUES += [
    "2023-02-30",
    "9999-12-31",
    "0000-00-00",
    "2023-04-01T00:00:00+99:99",
    "*",
    "[",
    "sha256:",
    {"": None},
    ["*"] * 500,
]


@dataclass(frozen=True, slots=True)
class Input:
    """Bytes to send, then the end of what is sent.

    answered: whether HTTP asks for an answer; what is no request may be met by closing.
    """

    kind: str
    data: bytes
    answered: bool = False


def generated(draw: Random, paths: dict[str, list[str]]) -> Input:
    """An input.

    Args:
        paths: the methods of each path of the contract.
    """
    make = draw.choice(_MAKERS)
    if make in (_upload, _zip) and BUNDLES not in paths:
        make = _changed_values
    if make is _batch and BATCH not in paths:
        make = _changed_bytes
    return make(draw, paths)


def post(body: bytes, path: str = EVALUATE, kind: str = JSON, *headers: bytes, length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    lines = [f"POST {path} HTTP/1.1".encode(), b"Host: 127.0.0.1", f"Content-Type: {kind}".encode(), *headers]
    return b"\r\n".join([*lines, f"Content-Length: {size}".encode(), b"", body])


def _text(value: Any) -> bytes:
    return json.dumps(value).encode()


# ---- bodies


def _changed_bytes(draw: Random, _paths: Any) -> Input:
    return Input("changed bytes", post(_bitten(draw, _text(_NO_DAY))), True)


def _bitten(draw: Random, data: bytes) -> bytes:
    """A few bytes flipped, left out, put in, doubled, or all after one cut off."""
    found = bytearray(data)
    for _ in range(draw.randint(1, 6)):
        at = draw.randrange(len(found) + 1)
        match draw.randrange(6):
            case 0 if at < len(found):
                found[at] = draw.randrange(256)
            case 1:
                del found[at : at + draw.randint(1, 9)]
            case 2:
                found[at:at] = draw.randbytes(draw.randint(1, 5))
            case 3:
                found[at:at] = draw.choice(
                    [b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"\x00", b"\xff", b"\xed\xa0\x80"]
                )
            case 4:
                found[at:at] = found[at : at + draw.randint(1, 60)]
            case 5 if draw.random() < 0.3:
                del found[at:]
    return bytes(found)


def _changed_values(draw: Random, _paths: Any) -> Input:
    """A preview with values exchanged, keys added or left out, and sometimes a key twice."""
    body = copy.deepcopy(_PREVIEW)
    for _ in range(draw.randint(1, 4)):
        into = draw.choice(_objects(body))
        key = draw.choice(
            [*into, "x", "purpos", "as_of ", "川", "", "bundle", "options", "provenance", "supersedes", "policies"]
        )
        if into is body and key == "purpose":
            continue
        if draw.random() < 0.2:
            into.pop(key, None)
        else:
            into[key] = copy.deepcopy(draw.choice(_VALUES))
    data = _text(body)
    if draw.random() < 0.15:
        data = data.replace(b'"purpose"', b'"purpose": "decide", "purpose"')
    return Input("changed values", post(data), True)


def _objects(value: Any) -> list[dict[str, Any]]:
    found = [value] if isinstance(value, dict) else []
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        found += _objects(inner)
    return found


def _literal(draw: Random, _paths: Any) -> Input:
    """A number or text that few parsers agree on, where a fact, an option or the body belongs."""
    literal = draw.choice(_NUMBERS + _TEXTS).encode()
    marked = json.dumps(
        draw.choice([{**_PREVIEW, "facts": {"live": {"hours_today": "@"}}}, {**_PREVIEW, "as_of": "@"}, "@"])
    )
    return Input("literal", post(marked.encode().replace(b'"@"', literal)), True)


def _deep(draw: Random, _paths: Any) -> Input:
    depth = draw.choice([15, 16, 17, 100, 1000, 20_000, 100_000])
    opening, closing = draw.choice([(b"[", b"]"), (b'{"a":', b"}"), (b'[{"a":', b"}]")])
    inner = opening * depth + b"0" + (closing * depth if draw.random() < 0.7 else b"")
    body = inner if draw.random() < 0.5 else _text(_PREVIEW)[:-1] + b', "x": ' + inner + b"}"
    return Input("deep", post(body), True)


def _wide(draw: Random, _paths: Any) -> Input:
    count = draw.choice([500, 5000, 60_000])
    facts: Any = draw.choice(
        [
            {f"k{n}": n for n in range(count)},
            {"products": [{"id": f"p{n}"} for n in range(min(count, 20_000))]},
            {"merchant": {"id": "m-1", **{"x" * 40 + str(n): None for n in range(min(count, 10_000))}}},
        ]
    )
    twice = b', "facts": {}' * draw.choice([0, 0, 3])
    return Input("wide", post(_text({**_PREVIEW, "facts": facts})[:-1] + twice + b"}"), True)


def _encoded(draw: Random, _paths: Any) -> Input:
    text = json.dumps(_NO_DAY | {"merchant_id": "商家"}, ensure_ascii=False)
    match draw.randrange(8):
        case 0:
            body = text.encode(draw.choice(["utf-16", "utf-32", "utf-16-le", "gb18030", "utf-8-sig"]))
            return Input("encoding", post(body), True)
        case 1:
            bomb = gzip.compress(b" " * draw.choice([10, 10_000_000]))
            return Input(
                "gzip", post(bomb, EVALUATE, JSON, b"Content-Encoding: " + draw.choice([b"gzip", b"br", b"x"])), True
            )
        case 2:
            kinds = [
                "text/plain",
                "",
                ";",
                "application/json; charset=utf-16",
                "application/JSON;charset=\xff",
                "*/*",
                "a" * 3000,
            ]
            return Input("media type", post(text.encode(), EVALUATE, draw.choice(kinds)), True)
        case 3:
            return Input("latin-1", post(text.encode().replace(b"\xe5", draw.randbytes(1))), True)
        case 4:
            return Input("surrogate", post(_text(_NO_DAY | {"merchant_id": "\udcff"})), True)
        case 5:
            return Input("empty", post(b" " * draw.choice([0, 1, 100_000])), True)
        case 6:
            return Input(
                "beyond the limit", post(b'{"facts": "' + b"x" * draw.choice([1_048_560, 1_048_576, 3_000_000])), True
            )
        case _:
            return Input("announced too much", post(b"{}", length=draw.choice([3, 2**20, 2**31, 2**63, 10**30])))


# ---- HTTP


def _raw(draw: Random, _paths: Any) -> Input:
    return Input("no request", draw.randbytes(draw.randint(0, 300)) + draw.choice([b"", b"\r\n\r\n", b"\n\n"]))


def _bitten_request(draw: Random, _paths: Any) -> Input:
    return Input("changed request", _bitten(draw, post(_text(_NO_DAY))))


def _headers(draw: Random, _paths: Any) -> Input:
    odd = [
        b"Idempotency-Key: " + draw.choice([b"", b" ", b"\xff\xfe", b"a b", b"k" * 256, b"k" * 7000, b"\x00"]),
        b"Accept: " + draw.choice([b"text/html", b"*/*;q=x", b",,,", b"application/json;q=0", b"\xff", b"a/b" * 500]),
        b"Host: evil.example",
        b"Transfer-Encoding: "
        + draw.choice([b"identity", b"gzip, chunked", b"chunked, chunked", b"xchunked", b"\x0bchunked"]),
        b"Content-Length: " + draw.choice([b"0", b"+5", b"-1", b"0x5", b"5 5", b"1_0", b"", b"\xd9\xa3"]),
        b"Expect: " + draw.choice([b"100-continue", b"200-maybe"]),
        b"Connection: " + draw.choice([b"upgrade", b"close, keep-alive", b"\xff"]),
        b"Authorization: "
        + draw.choice([b"Bearer", b"Bearer psk_x_y", b"Basic \xff", b"Bearer " + b"a." * 500, b"Bearer a.b.c"]),
        b"X-Request-Id: " + draw.choice([b"\x7f", b"r" * 5000, b"a\tb", b"\xc3\x28"]),
        b"traceparent: " + draw.choice([b"00-0-0-0", b"ff-" + b"0" * 32 + b"-" + b"0" * 16 + b"-01", b"\xff"]),
        b"no colon",
        b" folded: x",
        b"bad name: x",
        b": empty",
        b"Cookie: " + b"c" * 9000,
        b"X:\x00",
    ]
    many = [b"X-%d: 1" % n for n in range(draw.choice([0, 0, 0, 200]))]
    chosen = draw.sample(odd, draw.randint(1, 3)) + many
    return Input("headers", post(_text(_NO_DAY), EVALUATE, JSON, *chosen))


def _chunked(draw: Random, _paths: Any) -> Input:
    body = _text(_NO_DAY)
    size = draw.choice(
        [b"%x" % len(body), b"-1", b"zz", b"ffffffffffffffffff", b"", b"0", b"%x;ext=%s" % (len(body), b"e" * 2000)]
    )
    end = draw.choice([b"\r\n0\r\n\r\n", b"\r\n0\r\nTrailer: x\r\n\r\n", b"\r\n", b"", b"X0\r\n\r\n", b"\r\n0"])
    head = b"POST /v1/evaluate HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    head += b"Transfer-Encoding: chunked\r\n"
    both = b"Content-Length: 5\r\n" if draw.random() < 0.2 else b""
    return Input("chunks", head + both + b"\r\n" + size + b"\r\n" + body + end)


def _pipelined(draw: Random, paths: Any) -> Input:
    parts = [
        draw.choice([_changed_bytes, _changed_values, _headers, _path, _chunked])(draw, paths).data for _ in range(4)
    ]
    return Input("pipelined", b"".join(parts))


def _path(draw: Random, paths: dict[str, list[str]]) -> Input:
    """Any path of the contract, or none of it, with any method, query and body."""
    odd = [
        "/",
        "//",
        "/v1",
        "/v1/evaluate/",
        "/v1//evaluate",
        "/../etc/passwd",
        "/v1/%2e%2e/%2e%2e",
        "/static/..%2f..%2fx",
        "*",
    ]
    odd += [
        "http://evil.example/v1/facts",
        "/v1/facts%00",
        "/\xff",
        "/" + "a" * 5000,
        "/v1/policies/%F0%9F%92%A9",
        "/docs/../x",
        "?",
    ]
    path = draw.choice([*paths, *odd])
    while "{" in path:
        path = path[: path.index("{")] + draw.choice(_IDS) + path[path.index("}") + 1 :]
    queries = [
        "",
        "",
        "?",
        "?as_of=2023-02-30",
        "?policies=*&policies=x",
        "?policies=%ff",
        "?a" * 500,
        "?limit=-1",
        "?cursor=%00",
    ]
    queries += ["?limit=1e9", "?before=" + "9" * 400, "?subject=:::", "?as_of=" + "9" * 4000, "?limit=10&cursor=eyJ9"]
    line = f"{draw.choice(_METHODS)} {path}{draw.choice(queries)} HTTP/1.1\r\n".encode("latin-1")
    body = draw.choice([b"", b"{", b"null", b"[]", b'"x"', b'{"x": 1}', b"\xff"])
    return Input(
        "path",
        line + b"Host: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body,
    )


# ---- batches and bundles


def _batch(draw: Random, _paths: Any) -> Input:
    good = [_text(_PREVIEW), _text(_PREVIEW | {"policies": ["chuanliu.*"]})]
    made = [
        _bitten(draw, _text(_NO_DAY)) if draw.random() < 0.6 else draw.choice(good) for _ in range(draw.randint(1, 30))
    ]
    made += draw.choices(
        [b"", b"null", b"[", b"[]", b"\xff", b'{"idempotency_key": 1}', b"[" * 5000, b"{" + b" " * 70_000], k=2
    )
    draw.shuffle(made)
    if draw.random() < 0.3:
        return Input("batch array", post(b"[" + b",".join(made) + b"]", BATCH), True)
    lines = draw.choice([b"\n", b"\r\n"]).join(made) + draw.choice([b"", b"\n", b"\n\n"])
    if draw.random() < 0.05:
        lines = b"{}\n" * 10_001
    return Input("batch lines", post(lines, BATCH, NDJSON), True)


def _upload(draw: Random, _paths: Any) -> Input:
    """Rule files as JSON, none of which is a bundle."""
    names = [
        "../x.yaml",
        "/etc/passwd",
        "a/../../b.yaml",
        "x" * 5000 + ".yaml",
        "facts.yaml",
        "",
        "\x00.yaml",
        "a\\b.yaml",
        "川.yaml",
    ]
    texts: list[Any] = [
        "",
        "a: [",
        "a: &x [*x]",
        "&a [*a, *a]",
        "!!python/object:os.system x",
        None,
        1,
        "\ud800",
        "- " * 30_000,
        "[" * 5000,
    ]
    files = {draw.choice(names): draw.choice(texts) for _ in range(draw.randint(0, 6))}
    body = draw.choice([{"files": files}, files, {"files": list(files)}])
    return Input("files", post(_text(body), BUNDLES), True)


def _zip(draw: Random, _paths: Any) -> Input:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as packed:
        match draw.randrange(6):
            case 0:
                packed.writestr("facts.yaml", b"\x00" * draw.choice([1000, 30_000_000]))
            case 1:
                for number in range(draw.choice([10, 3000])):
                    packed.writestr(f"{number}/x.yaml", "a: 1")
            case 2:
                for name in ("../../x.yaml", "/x.yaml", "a\\..\\b.yaml", "C:\\x.yaml", "x\x01.yaml"):
                    packed.writestr(name, "a: 1")
            case 3:
                link = zipfile.ZipInfo("facts.yaml")
                link.external_attr = 0o120777 << 16
                packed.writestr(link, "/etc/passwd")
            case 4:
                packed.writestr("facts.yaml", draw.randbytes(5000))
            case _:
                packed.writestr("bundle.yaml", "label: [")
    data = made.getvalue()
    if draw.random() < 0.5:
        data = _bitten(draw, data)
    return Input("zip", post(data, BUNDLES, draw.choice(["application/zip", JSON, "application/octet-stream"])), True)


Maker = Callable[[Random, dict[str, list[str]]], Input]
_MAKERS: list[Maker] = [
    _changed_bytes,
    _changed_values,
    _literal,
    _deep,
    _wide,
    _encoded,
    _raw,
    _bitten_request,
    _headers,
    _chunked,
    _pipelined,
    _path,
    _batch,
    _upload,
    _zip,
]
