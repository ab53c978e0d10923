"""When a request is ready to be answered."""

import pytest
from gunicorn.config import Config
from gunicorn.http.errors import LimitRequestHeaders, LimitRequestLine, NoMoreData, ParseException

from policy_service.worker.framing import MOST_HEAD, Incoming

HEAD = b"POST /v1/evaluate HTTP/1.1\r\nHost: localhost\r\n"
CHUNKED = HEAD + b"transfer-encoding: chunked\r\n\r\n"
WHOLE = {
    "no body": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a body": HEAD + b"Content-Length: 5\r\n\r\n12345",
    "a length in another case": HEAD + b"content-LENGTH:\t5 \r\n\r\n12345",
    "a body that holds an end of a head": HEAD + b"Content-Length: 8\r\n\r\n\r\n\r\n\r\n\r\n",
    "chunks": CHUNKED + b"5\r\n12345\r\n2;x=1\r\n\r\n\r\n0\r\n\r\n",
    "chunks and trailers": CHUNKED + b"1\r\n1\r\n0\r\nX: 1\r\n\r\n",
    "a chunk that looks like the last": CHUNKED + b"5\r\n0\r\n\r\n\r\n0\r\n\r\n",
}


def incoming(most: int = 1000, *streamed: str) -> Incoming:
    return Incoming(Config(), ("127.0.0.1", 1), most, streamed)


@pytest.mark.parametrize("request_", WHOLE.values(), ids=WHOLE)
def test_a_request_is_whole_with_its_last_byte_and_not_before(request_: bytes) -> None:
    one = incoming()
    assert [one.take(bytes([byte])) for byte in request_] == [False] * (len(request_) - 1) + [True]
    assert one.whole
    assert incoming().take(request_)


@pytest.mark.parametrize("request_", WHOLE.values(), ids=WHOLE)
def test_what_came_after_it_belongs_to_the_next(request_: bytes) -> None:
    one = incoming()
    assert one.take(request_ + b"GET /next")
    assert one.release() == b"GET /next"
    assert one.is_read()


@pytest.mark.parametrize(
    "data",
    [
        b"\n",
        b"GET / HTTP/1.1\n",
        b"nonsense\r\n\r\n",
        HEAD + b"Content-Length: -1\r\n\r\n",
        HEAD + b"Content-Length: x\r\n\r\n",
        HEAD + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
)
def test_what_is_no_http_is_refused_at_once(data: bytes) -> None:
    with pytest.raises(ParseException):
        incoming(10**9).take(data)


def test_a_head_without_an_end_is_too_large() -> None:
    with pytest.raises(LimitRequestLine):
        incoming().take(b"x" * (MOST_HEAD + 1))
    with pytest.raises(LimitRequestHeaders):
        incoming().take(HEAD + b"X: 1\r\n" * (MOST_HEAD // 6))


@pytest.mark.parametrize("chunk", [b"zz\r\n", b"\r\n", b"999999999999\r\n", b"5 \r\n", b"x" * (MOST_HEAD + 1)])
def test_a_broken_chunk_is_handed_over_and_nothing_follows_it(chunk: bytes) -> None:
    one = incoming(10**9)
    assert one.take(CHUNKED + chunk)
    assert not one.whole
    assert one.release() == b""
    assert not one.is_read()


@pytest.mark.parametrize("broken", [b"1;=\r\n1\r\n0\r\n\r\n", b"1\r\n1\r\n0\r\nHost: x\r\n\r\n"])
def test_nothing_follows_chunks_that_the_parser_refuses_even_if_nobody_reads_them(broken: bytes) -> None:
    one = incoming()
    assert one.take(CHUNKED + broken + b"GET / HTTP/1.1\r\n\r\n")
    one.release()
    assert not one.is_read()


def test_a_body_larger_than_is_kept_is_handed_over_with_its_head() -> None:
    one = incoming()
    assert one.take(HEAD + b"Content-Length: 999999999\r\n\r\n")
    assert not one.whole


def test_chunks_beyond_what_is_kept_are_handed_over() -> None:
    one = incoming()
    assert not one.take(CHUNKED + b"fff\r\n" + b"x" * 500)
    assert one.take(b"x" * 1000)
    assert not one.whole


def test_chunks_of_a_path_that_streams_are_handed_over_with_their_head() -> None:
    one = incoming(1000, "/v1/evaluate")
    assert one.take(CHUNKED)
    assert not one.whole


@pytest.mark.parametrize(
    ("begun", "rest"),
    [(b"Content-Length: 9\r\n\r\n123", b"456789"), (b"Transfer-Encoding: chunked\r\n\r\n", b"3\r\n123\r\n0\r\n\r\n")],
)
def test_a_body_that_was_handed_over_is_read_as_it_comes(begun: bytes, rest: bytes) -> None:
    one = incoming(5, "/v1/evaluate")
    assert one.take(HEAD + begun)
    assert one.release() == b""
    coming = iter([rest + b"next"])
    one.source.more = lambda _size: next(coming)
    assert not one.is_read()
    assert len(one.request.body.read()) in (9, 3)
    assert one.is_read()
    assert one.source.take_buffered() == b"next"


def test_a_client_that_waits_to_be_told_to_go_on_is_known() -> None:
    one = incoming()
    assert not one.take(HEAD + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n")
    assert one.expects
    old = incoming()
    assert not old.take(HEAD.replace(b"1.1", b"1.0") + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n")
    assert not old.expects


def test_no_client_says_how_much_is_read_at_once() -> None:
    one = incoming()
    assert one.take(CHUNKED + b"f" * 18 + b"\r\n")
    asked: list[int] = []
    one.release()
    one.source.more = lambda size: asked.append(size) or b""  # type: ignore[func-returns-value]
    with pytest.raises(NoMoreData):
        one.request.body.read()
    assert max(asked) == 1_048_576
