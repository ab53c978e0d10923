"""What the worker uses of gunicorn. Another version is to be read again where these names are, then pinned here too."""

import ast
import inspect
from pathlib import Path
from typing import Any

import gunicorn
import pytest
from gunicorn.config import Config
from gunicorn.http import Request
from gunicorn.http.body import ChunkedReader, LengthReader
from gunicorn.http.unreader import Unreader
from gunicorn.http.wsgi import Response, create
from gunicorn.workers.base import Worker

ROOT = Path(__file__).parents[3]
VERSION = "27.0.1"
IMPORTED = {
    "gunicorn.config.Config",
    "gunicorn.http.Request",
    "gunicorn.http.body.Body",
    "gunicorn.http.body.ChunkedReader",
    "gunicorn.http.errors.LimitRequestHeaders",
    "gunicorn.http.errors.LimitRequestLine",
    "gunicorn.http.errors.NoMoreData",
    "gunicorn.http.errors.ParseException",
    "gunicorn.http.unreader.Unreader",
    "gunicorn.http.wsgi.create",
    "gunicorn.workers.base.Worker",
}
INHERITED = ("PIPE", "alive", "cfg", "handle_exit", "max_requests", "notify", "nr", "ppid", "run", "sockets", "wsgi")
"""Of the base class that gunicorn's documentation tells to derive from."""
HEAD = b"POST /path HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"


class Bytes(Unreader):
    """A source that holds some bytes and has no more."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.unread(data)

    def chunk(self, size_hint: int | None = None) -> bytes:
        return b""


class Sent:
    """All that gunicorn needs of a connection to answer on it."""

    def __init__(self) -> None:
        self.interim, self.answer = b"", b""

    def send(self, data: bytes) -> int:
        self.interim += data
        return len(data)

    def sendall(self, data: bytes) -> None:
        self.answer += data


def modules() -> list[ast.Module]:
    return [ast.parse(path.read_text("utf-8")) for path in (ROOT / "policy_service" / "worker").glob("*.py")]


def test_the_version_is_the_one_that_was_read() -> None:
    assert gunicorn.__version__ == VERSION
    assert f"\ngunicorn=={VERSION}\n" in (ROOT / "requirements.txt").read_text("utf-8")


def test_nothing_else_is_imported_of_it() -> None:
    found = {
        f"{node.module}.{name.name}"
        for module in modules()
        for node in ast.walk(module)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("gunicorn")
        for name in node.names
    }
    assert found == IMPORTED


def test_no_private_name_of_another_object_is_used() -> None:
    for module in modules():
        for node in ast.walk(module):
            if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__"):
                assert ast.unparse(node.value) == "self", ast.unparse(node)


@pytest.mark.parametrize("name", INHERITED)
def test_the_base_class_has_what_is_inherited(name: str) -> None:
    made = inspect.getsource(Worker.__init__) + inspect.getsource(Worker.load_wsgi)
    assert hasattr(Worker, name) or f"self.{name} = " in made


def test_the_base_class_runs_the_main_loop_last_and_is_woken_by_signals() -> None:
    source = inspect.getsource(Worker.init_process)
    order = ["os.pipe()", "self.init_signals()", "self.load_wsgi()", "post_worker_init(self)", "self.run()"]
    assert sorted(order, key=source.index) == order
    assert "set_wakeup_fd(self.PIPE[1])" in inspect.getsource(Worker.init_signals)


def test_a_head_is_parsed_without_its_body() -> None:
    request = Request(Config(), Bytes(HEAD + b"Content-Length: 5\r\n\r\n"), ("127.0.0.1", 1))
    assert (request.path, request.version) == ("/path", (1, 1))
    assert ("EXPECT", "100-continue") in request.headers
    assert isinstance(request.body.reader, LengthReader)
    request.unreader.unread(b"12345next")
    assert request.body.read() == b"12345"
    assert request.body.reader.length == 0
    assert request.unreader.take_buffered() == b"next"


def test_a_request_without_a_length_has_an_empty_body() -> None:
    reader = Request(Config(), Bytes(b"GET / HTTP/1.1\r\n\r\n"), ("127.0.0.1", 1)).body.reader
    assert isinstance(reader, LengthReader)
    assert reader.length == 0


def test_chunks_end_with_the_parser_of_their_reader() -> None:
    request = Request(Config(), Bytes(HEAD + b"Transfer-Encoding: chunked\r\n\r\n"), ("127.0.0.1", 1))
    reader = request.body.reader
    assert isinstance(reader, ChunkedReader)
    request.unreader.unread(b"3\r\n123\r\n0\r\n\r\n")
    assert next(reader.parser) == b"123"
    assert next(reader.parser, None) is None
    other = Request(Config(), Bytes(HEAD + b"Transfer-Encoding: chunked\r\n\r\n"), ("127.0.0.1", 1))
    other.unreader.unread(b"3\r\n123\r\n0\r\n\r\n")
    assert (other.body.read(), other.body.reader.parser) == (b"123", None)


@pytest.mark.parametrize(
    ("method", "headers", "body"),
    [
        ("GET", [("Content-Length", "2")], b"ok"),
        ("HEAD", [("Content-Length", "2")], b""),
        ("GET", [], b"2\r\nok\r\n0\r\n\r\n"),
    ],
)
def test_an_answer_needs_only_send_and_sendall(method: str, headers: list[tuple[str, str]], body: bytes) -> None:
    request = Request(Config(), Bytes(HEAD.replace(b"POST", method.encode()) + b"\r\n"), ("127.0.0.1", 1))
    sent: Any = Sent()
    response, environ = create(request, sent, ("127.0.0.1", 1), ("127.0.0.1", 8000), Config())
    assert isinstance(response, Response)
    assert environ["wsgi.input"] is request.body
    assert sent.interim == b"HTTP/1.1 100 Continue\r\n\r\n"
    response.start_response("200 OK", headers)
    if method == "GET":
        response.write(b"ok")
    response.close()
    assert not response.should_close()
    assert sent.answer.partition(b"\r\n\r\n")[2] == body
    response.force_close()
    assert response.should_close()
