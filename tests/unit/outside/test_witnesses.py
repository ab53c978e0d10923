"""A witness asked over HTTP: what it says by its status, and that nothing it answers does harm."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from policy_service.decisions.ports.witnesses import Unreachable, WitnessAnswer
from policy_service.outside import witnesses
from policy_service.outside.witnesses import HttpWitness, WitnessRefused, witnesses_of
from policy_service.proofs.cosignatures import WitnessKey

KEY = WitnessKey("witness.example/w1", bytes(range(32)))
OTHER = WitnessKey("witness.example/w2", bytes(range(32)))
NOTE = "log.example\n2\nroot\n\n— log.example AAAA\n"


class Answering:
    """A server that answers what it is told to, and keeps what it was asked."""

    def __init__(self) -> None:
        self.status, self.headers, self.body = 200, dict[str, str](), b""
        self.asked: list[tuple[str, bytes]] = []
        own = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                own.asked.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(own.status)
                for name, value in own.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(own.body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.status, self.body, self.headers = status, body, headers


@pytest.fixture
def answering() -> Iterator[Answering]:
    found = Answering()
    yield found
    found.server.shutdown()
    found.thread.join()
    found.server.server_close()


@pytest.fixture
def witness(answering: Answering) -> HttpWitness:
    return HttpWitness(KEY, f"{answering.url}/w1/")


def test_it_is_asked_with_size_proof_and_note(answering: Answering, witness: HttpWitness) -> None:
    witness.add_checkpoint(1, [b"\0" * 32, b"\1" * 32], NOTE)
    path, body = answering.asked[0]
    lines = body.decode().split("\n")
    assert path == "/w1/add-checkpoint"
    assert lines[:4] == ["old 1", "A" * 43 + "=", "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=", ""]
    assert "\n".join(lines[4:]) == NOTE


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (200, "— a AAAA\n— b BBBB\n".encode(), WitnessAnswer("cosigned", lines=("— a AAAA\n", "— b BBBB\n"))),
        (200, b"\xff", WitnessAnswer("cosigned")),
        (200, b"", WitnessAnswer("cosigned")),
        (409, b"12\n", WitnessAnswer("other_size", size=12)),
        (409, b"0\n", WitnessAnswer("other_size", size=0)),
        (409, b"12", WitnessAnswer("refused", reason="it answers 409")),
        (409, b"-1\n", WitnessAnswer("refused", reason="it answers 409")),
        (409, b"\xd9\xa1\n", WitnessAnswer("refused", reason="it answers 409")),
        (409, b"9" * 20 + b"\n", WitnessAnswer("refused", reason="it answers 409")),
        (422, b"", WitnessAnswer("inconsistent")),
        (400, b"", WitnessAnswer("refused", reason="it answers 400")),
        (403, b"", WitnessAnswer("refused", reason="it answers 403")),
        (404, b"", WitnessAnswer("refused", reason="it answers 404")),
    ],
)
def test_what_it_says_is_its_status(
    answering: Answering, witness: HttpWitness, status: int, body: bytes, said: WitnessAnswer
) -> None:
    answering.answer(status, body)
    assert witness.add_checkpoint(0, [], NOTE) == said


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503])
def test_one_that_is_in_trouble_is_unreachable(answering: Answering, witness: HttpWitness, status: int) -> None:
    answering.answer(status)
    with pytest.raises(Unreachable, match=str(status)):
        witness.add_checkpoint(0, [], NOTE)


def test_a_redirect_is_not_followed(answering: Answering, witness: HttpWitness) -> None:
    answering.answer(307, Location=f"{answering.url}/elsewhere")
    assert witness.add_checkpoint(0, [], NOTE).said == "refused"
    assert [path for path, _ in answering.asked] == ["/w1/add-checkpoint"]


def test_an_answer_without_end_is_left(answering: Answering, witness: HttpWitness) -> None:
    answering.answer(200, b"x" * 20_000)
    with pytest.raises(Unreachable, match="too long"):
        witness.add_checkpoint(0, [], NOTE)


@pytest.mark.parametrize("beginning", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\n\r\nbody"])
def test_an_answer_that_trickles_is_left(monkeypatch: pytest.MonkeyPatch, beginning: bytes) -> None:
    monkeypatch.setattr(witnesses, "_STALLED_SECONDS", 600.0)
    monkeypatch.setattr(witnesses, "_WHOLE_SECONDS", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def trickle() -> None:
            connection, _ = server.accept()
            with connection, suppress(OSError):
                connection.sendall(beginning)
                while connection.recv(10_000):
                    pass  # until it is left

        thread = threading.Thread(target=trickle)
        thread.start()
        with pytest.raises(Unreachable):
            HttpWitness(KEY, f"http://127.0.0.1:{server.getsockname()[1]}").add_checkpoint(0, [], NOTE)
        thread.join()


def test_an_answer_that_is_cut_short_says_nothing(answering: Answering, witness: HttpWitness) -> None:
    answering.answer(200, **{"Content-Length": "100"})
    assert witness.add_checkpoint(0, [], NOTE) == WitnessAnswer("cosigned")


def test_what_is_no_http_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(10_000)
                connection.sendall(b"nonsense\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(Unreachable):
            HttpWitness(KEY, f"http://127.0.0.1:{server.getsockname()[1]}").add_checkpoint(0, [], NOTE)
        thread.join()


def test_where_nobody_listens_it_is_unreachable(answering: Answering) -> None:
    with pytest.raises(Unreachable):
        HttpWitness(KEY, "http://127.0.0.1:1").add_checkpoint(0, [], NOTE)


def test_a_certificate_that_nobody_vouches_for_is_not_trusted(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    day = datetime(2020, 1, 1, tzinfo=UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, day, day.replace(year=9999))
    found = made.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
    pem = found.sign(key, SHA256()).public_bytes(Encoding.PEM)
    (tmp_path / "both.pem").write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + pem
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "both.pem")
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection, suppress(OSError):
                context.wrap_socket(connection, server_side=True).close()

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(Unreachable, match="CERTIFICATE_VERIFY_FAILED"):
            HttpWitness(KEY, f"https://localhost:{server.getsockname()[1]}").add_checkpoint(0, [], NOTE)
        thread.join()


def test_the_setting_names_witnesses_by_key_and_address() -> None:
    one, two = f"{KEY.text}=https://w.example/1", f"{OTHER.text}=http://10.0.0.2:8200"
    found = witnesses_of(f"  {one}\n\t{two} ")
    assert [each.key for each in found] == [KEY, OTHER]
    assert [each.url for each in found] == [
        "https://w.example/1/add-checkpoint",
        "http://10.0.0.2:8200/add-checkpoint",
    ]
    assert witnesses_of("") == ()


@pytest.mark.parametrize(
    "text",
    [
        KEY.text,
        f"{KEY.text}=",
        "https://w.example",
        f"{KEY.text}=ftp://w.example",
        f"{KEY.text}=file:///etc/passwd",
        f"{KEY.text}=https://",
        f"{KEY.text}=https://w.example:port/",
        f"{KEY.text}=https://user:password@w.example/",
        f"{KEY.text}=https://w.example/?a=b",
        f"{KEY.text}=https://w.example/#a",
        f"{KEY.text}=https://[w.example/",
        f"{KEY.text}=https://w\u00e9.example/",
        f"{KEY.text.replace('+', '+0', 1)}=https://w.example",
        f"{KEY.text[:-1]}=https://w.example",
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW=https://w.example",
        f"{KEY.text}=https://a.example {KEY.text}=https://b.example",
    ],
)
def test_a_witness_that_is_named_wrongly_or_twice_is_refused(text: str) -> None:
    with pytest.raises(WitnessRefused):
        witnesses_of(text)


def test_there_are_not_more_witnesses_than_a_round_has_time_for() -> None:
    keys = [WitnessKey(f"w{n}", bytes(range(32))) for n in range(witnesses.MOST_WITNESSES + 1)]
    with pytest.raises(WitnessRefused, match="more than"):
        witnesses_of(" ".join(f"{key.text}=https://w.example" for key in keys))
