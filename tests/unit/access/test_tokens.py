"""Tokens of an issuer that runs offline, on a real server of this machine: what it signed, and what attackers make."""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from policy_service.access.issuers import IssuerUnavailable, SigningKeys, fault_of_address
from policy_service.access.principals import id_of_token
from policy_service.access.tokens import Tokens, tokens_of
from policy_service.settings import SettingInvalid, Settings

AUDIENCE = "policy-service"
PRIVATE: dict[str, Any] = {
    "RS256": rsa.generate_private_key(65537, 2048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}
OTHER = rsa.generate_private_key(65537, 2048)
WEAK = rsa.generate_private_key(65537, 1024)  # noqa: S505  to be refused


def jwk(algorithm: str, private: Any, id: str) -> dict[str, Any]:
    found = jwt.get_algorithm_by_name(algorithm).to_jwk(private.public_key(), as_dict=True)
    return {**found, "kid": id, "use": "sig"}


class Issuer:
    """What the server answers by path, and what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked.append(self.path)
                status, headers, body = issuer.answers.get(self.path, (404, {}, b""))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.keys = [jwk(algorithm, private, algorithm) for algorithm, private in PRIVATE.items()]
        self.keys.append({"kty": "oct", "kid": "oct", "k": base64.urlsafe_b64encode(b"k" * 32).decode()})
        self.keys.append(jwk("RS256", WEAK, "weak"))
        self.answers: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.publish()
        self.set("/.well-known/openid-configuration", {"issuer": self.url, "jwks_uri": f"{self.url}/keys"})
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def set(self, path: str, value: Any) -> None:
        self.answers[path] = (200, {}, json.dumps(value).encode())

    def publish(self) -> None:
        self.set("/keys", {"keys": self.keys})

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def issuer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Issuer]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    found = Issuer()
    yield found
    found.close()


@pytest.fixture
def tokens(issuer: Issuer) -> Tokens:
    return Tokens(SigningKeys(issuer.url, ""), issuer.url, AUDIENCE, "roles", 5)


def claims(issuer: Issuer, **changes: Any) -> dict[str, Any]:
    now = int(time.time())
    found = {
        "iss": issuer.url, "aud": AUDIENCE, "sub": "alice", "iat": now, "exp": now + 300, "roles": ["read", "x"],
    }  # fmt: skip
    return {name: value for name, value in (found | changes).items() if value is not None}


def signed(said: Any, algorithm: str = "RS256", private: Any = None, **header: Any) -> str:
    key = PRIVATE[algorithm] if private is None else private
    return jwt.encode(said, key, algorithm=algorithm, headers={"kid": algorithm, **header})


def unsigned(header: dict[str, Any], said: dict[str, Any], sign: Callable[[bytes], bytes] = lambda _: b"") -> str:
    def part(data: bytes) -> bytes:
        return base64.urlsafe_b64encode(data).rstrip(b"=")

    whole = part(json.dumps(header).encode()) + b"." + part(json.dumps(said).encode())
    return (whole + b"." + part(sign(whole))).decode()


@pytest.mark.parametrize("algorithm", PRIVATE)
def test_what_the_issuer_signed_speaks_for_its_subject(issuer: Issuer, tokens: Tokens, algorithm: str) -> None:
    found = tokens.principal(signed(claims(issuer), algorithm))
    assert found is not None
    assert (found.name, found.roles, found.rate) == ("oidc:alice", {"read"}, 5)


def test_the_pseudonym_of_a_subject_is_that_of_one_issuer() -> None:
    """The digest was made with `printf 'https://issuer.example/\\nalice' | sha256sum`."""
    assert id_of_token("https://issuer.example/", "alice") == "token:781129da2faec272"
    assert id_of_token("https://issuer.example", "alice") != id_of_token("https://issuer.example/", "alice")


def test_a_token_gives_a_principal_whose_pseudonym_holds_no_subject(issuer: Issuer, tokens: Tokens) -> None:
    found = tokens.principal(signed(claims(issuer)))
    assert found is not None
    digest = hashlib.sha256(f"{issuer.url}\nalice".encode()).hexdigest()
    assert found.id == f"token:{digest[:16]}"
    assert "alice" not in found.id


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"roles": "read audit"}, {"read", "audit"}),
        ({"roles": None}, set()),
        ({"roles": {"read": True}}, set()),
        ({"roles": [["read"], 5]}, set()),
    ],
)
def test_roles_are_those_that_there_are(issuer: Issuer, tokens: Tokens, said: Any, expected: set[str]) -> None:
    found = tokens.principal(signed(claims(issuer, **said)))
    assert found is not None
    assert found.roles == expected


def test_roles_may_lie_deeper(issuer: Issuer) -> None:
    tokens = Tokens(SigningKeys(issuer.url, ""), issuer.url, AUDIENCE, "realm_access.roles")
    found = tokens.principal(signed(claims(issuer, realm_access={"roles": ["admin"]})))
    assert found is not None
    assert found.roles == {"admin"}


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "other"}, {"aud": None}, {"aud": ["other"]}, {"iss": "https://other.example"}, {"iss": None},
        {"exp": 1}, {"exp": None}, {"exp": "soon"}, {"exp": float("inf")}, {"iat": None}, {"iat": 2**40},
        {"nbf": 2**40}, {"sub": None}, {"sub": ""}, {"sub": "a b"}, {"sub": "a\n"}, {"sub": "\u202e"},
        {"sub": "a" * 256}, {"sub": 5},
    ],
    ids=str,
)  # fmt: skip
def test_claims_that_do_not_hold_speak_for_nobody(issuer: Issuer, tokens: Tokens, changes: Any) -> None:
    assert tokens.principal(unsigned_but_signed(claims(issuer, **changes))) is None


def unsigned_but_signed(said: dict[str, Any]) -> str:
    """Signed by the issuer's key, whatever it says: PyJWT would not write some of it."""
    return unsigned({"alg": "EdDSA", "kid": "EdDSA"}, said, PRIVATE["EdDSA"].sign)


def test_the_helper_signs_what_holds(issuer: Issuer, tokens: Tokens) -> None:
    assert tokens.principal(unsigned_but_signed(claims(issuer))) is not None


def test_clocks_may_differ_by_half_a_minute(issuer: Issuer, tokens: Tokens) -> None:
    now = int(time.time())
    assert tokens.principal(signed(claims(issuer, exp=now - 10, nbf=now + 10))) is not None
    assert tokens.principal(signed(claims(issuer, exp=now - 60))) is None


def attacks(issuer: Issuer) -> dict[str, str]:
    said = claims(issuer, roles=["admin"])
    public = (
        PRIVATE["RS256"]
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )

    def keyed(key: bytes) -> Callable[[bytes], bytes]:
        return lambda whole: hmac.new(key, whole, hashlib.sha256).digest()

    good = signed(said)
    head, body, signature = good.split(".")
    return {
        "none": unsigned({"alg": "none", "kid": "RS256"}, said),
        "None": unsigned({"alg": "None", "kid": "RS256"}, said),
        "hashed with the public key": unsigned({"alg": "HS256", "kid": "RS256"}, said, keyed(public)),
        "hashed with a key of the set": unsigned({"alg": "HS256", "kid": "oct"}, said, keyed(b"k" * 32)),
        "another signer": signed(said, private=OTHER),
        "a weak key of the set": jwt.encode(said, WEAK, algorithm="RS256", headers={"kid": "weak"}),
        "unknown key": signed(said, kid="nobody"),
        "no key": unsigned({"alg": "RS256"}, said),
        "a key that is no text": unsigned({"alg": "RS256", "kid": {}}, said),
        "an algorithm that is not the key's": unsigned({"alg": "ES256", "kid": "RS256"}, said),
        "a larger hash than the key's": signed(said, "RS256", kid="EdDSA"),
        "critical header": signed(said, crit=["x"], x=1),
        "own keys": unsigned({"alg": "RS256", "kid": "mine", "jku": "http://127.0.0.1:9/"}, said),
        "changed": f"{head}.{body[:-2]}AA.{signature}",
        "no signature": f"{head}.{body}.",
        "huge": signed({**said, "x": "x" * 9000}),
        "deep": base64.urlsafe_b64encode(b"[" * 5000).decode() + ".e30.e30",
        "not ASCII": "\u00e9.\u00e9.\u00e9",
        "two dots": "..",
        "empty": "",
    }


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
def test_what_attackers_make_speaks_for_nobody(issuer: Issuer, tokens: Tokens) -> None:
    assert {name: tokens.principal(token) for name, token in attacks(issuer).items()} == dict.fromkeys(attacks(issuer))


def test_a_new_key_is_found_and_unknown_ones_cost_one_reading_a_minute(issuer: Issuer) -> None:
    seconds = [0.0]
    tokens = Tokens(SigningKeys(issuer.url, "", lambda: seconds[0]), issuer.url, AUDIENCE, "roles")
    assert tokens.principal(signed(claims(issuer))) is not None
    issuer.keys.append(jwk("RS256", OTHER, "new"))
    issuer.publish()
    late = signed(claims(issuer), private=OTHER, kid="new")
    for at in range(60):
        seconds[0] = float(at)
        assert tokens.principal(late) is None
    assert issuer.asked.count("/keys") == 1
    seconds[0] = 60.0
    assert tokens.principal(late) is not None
    assert issuer.asked.count("/keys") == 2


def test_keys_outlive_an_issuer_that_is_away_for_an_hour_only(issuer: Issuer) -> None:
    seconds = [0.0]
    keys = SigningKeys(issuer.url, "", lambda: seconds[0])
    assert keys.key("RS256") is not None
    issuer.answers.clear()
    seconds[0] = 3599.0
    assert keys.key("RS256") is not None
    seconds[0] = 3700.0
    with pytest.raises(IssuerUnavailable):
        keys.key("RS256")


@pytest.mark.parametrize(
    "answer",
    [
        (200, {}, b"x" * 300_000),
        (200, {}, b"[" * 100_000),
        (200, {}, b"{}"),
        (200, {}, b"[]"),
        (200, {}, b"\xff"),
        (500, {}, b"{}"),
        (302, {"Location": "/elsewhere"}, b""),
    ],
    ids=["large", "deep", "no keys", "no object", "no text", "failing", "elsewhere"],
)
def test_a_key_set_that_is_none_makes_the_issuer_unavailable(issuer: Issuer, answer: Any) -> None:
    issuer.set("/elsewhere", {"keys": issuer.keys})
    issuer.answers["/keys"] = answer
    with pytest.raises(IssuerUnavailable):
        SigningKeys(issuer.url, f"{issuer.url}/keys").key("RS256")


@pytest.mark.parametrize(
    "document",
    [{"issuer": "https://other.example"}, {"jwks_uri": "file:///etc/passwd"}, {"jwks_uri": "http://10.0.0.1/"}, None],
)
def test_a_discovery_document_that_leads_astray_is_not_followed(issuer: Issuer, document: Any) -> None:
    good = {"issuer": issuer.url, "jwks_uri": f"{issuer.url}/keys"}
    issuer.set("/.well-known/openid-configuration", None if document is None else good | document)
    with pytest.raises(IssuerUnavailable):
        SigningKeys(issuer.url, "").key("RS256")
    assert "/keys" not in issuer.asked


def test_a_closed_network_reads_the_keys_from_a_file(issuer: Issuer, tmp_path: Path) -> None:
    file = tmp_path / "my keys.json"
    file.write_text(json.dumps({"keys": issuer.keys}))
    tokens = Tokens(SigningKeys(issuer.url, file.as_uri()), issuer.url, AUDIENCE, "roles")
    assert tokens.principal(signed(claims(issuer))) is not None
    assert issuer.asked == []


@pytest.mark.parametrize(
    ("url", "is_trusted"),
    [
        ("https://login.example", True), ("http://127.0.0.1:1/x", True), ("http://localhost", True),
        ("file:///etc/keys.json", True), ("http://login.example", False), ("http://127.0.0.1.example", False),
        ("file://host/keys", False), ("ftp://x", False), ("login.example", False), ("", False),
    ],
)  # fmt: skip
def test_keys_come_over_tls_or_from_this_machine(url: str, is_trusted: bool) -> None:
    assert (fault_of_address(url) is None) is is_trusted


@pytest.mark.parametrize(
    "settings",
    [
        Settings(oidc_issuer="https://login.example"),
        Settings(oidc_issuer="http://login.example", oidc_audience="x"),
        Settings(oidc_issuer="https://login.example", oidc_audience="x", oidc_jwks_url="http://login.example"),
        Settings(oidc_issuer="file:///keys", oidc_audience="x"),
    ],
)
def test_settings_that_cannot_be_trusted_are_refused(settings: Settings) -> None:
    with pytest.raises(SettingInvalid, match="POLICY_OIDC"):
        tokens_of(settings)


def test_without_an_issuer_there_are_no_tokens() -> None:
    assert tokens_of(Settings()) is None
