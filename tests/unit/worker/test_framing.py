"""When a request is ready to be answered."""

import pytest
from gunicorn.config import Config
from gunicorn.http.errors import LimitRequestHeaders, LimitRequestLine, NoMoreData, ParseException

from policy_service.worker.framing import MOST_HEAD, Arrival, Incoming

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


def incoming(most: int = 1000, *streamed: str, **larger: int) -> Incoming:
    """`larger` has the last parts of paths."""
    bodies = {f"/v1/{name}": size for name, size in larger.items()}
    return Incoming(Config(), ("127.0.0.1", 1), most, streamed, bodies)


@pytest.mark.parametrize("request_", WHOLE.values(), ids=WHOLE)
def test_a_request_is_whole_with_its_last_byte_and_not_before(request_: bytes) -> None:
    one = incoming()
    assert [one.take(bytes([byte])) for byte in request_] == [Arrival.PART] * (len(request_) - 1) + [Arrival.WHOLE]
    assert one.whole
    assert incoming().take(request_) is Arrival.WHOLE


@pytest.mark.parametrize("request_", WHOLE.values(), ids=WHOLE)
def test_what_came_after_it_belongs_to_the_next(request_: bytes) -> None:
    one = incoming()
    assert one.take(request_ + b"GET /next") is Arrival.WHOLE
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


@pytest.mark.parametrize(
    "chunk",
    [b"zz\r\n", b"\r\n", b"0" * 17 + b"\r\n", b"5 \r\n", b"x" * (MOST_HEAD + 1), b"0\r\n" + b"x" * MOST_HEAD],
)
@pytest.mark.parametrize("streamed", [(), ("/v1/evaluate",)])
def test_a_broken_chunk_is_handed_over_and_nothing_follows_it(chunk: bytes, streamed: tuple[str, ...]) -> None:
    one = incoming(10**9, *streamed)
    assert one.take(CHUNKED + chunk) is Arrival.BROKEN
    assert not one.whole
    assert one.release() == b""
    assert not one.is_read()


@pytest.mark.parametrize("broken", [b"1;=\r\n1\r\n0\r\n\r\n", b"1\r\n1\r\n0\r\nHost: x\r\n\r\n"])
def test_nothing_follows_chunks_that_the_parser_refuses_even_if_nobody_reads_them(broken: bytes) -> None:
    one = incoming()
    assert one.take(CHUNKED + broken + b"GET / HTTP/1.1\r\n\r\n") is Arrival.WHOLE
    one.release()
    assert not one.is_read()


# ---- large bodies


@pytest.mark.parametrize("length", [1001, 999_999_999, 10**30])
def test_a_body_larger_than_its_path_takes_is_known_from_its_head(length: int) -> None:
    assert incoming().take(HEAD + b"Content-Length: %d\r\n\r\n" % length) is Arrival.TOO_LARGE
    assert incoming(1000, evaluate=1000).take(HEAD + b"Content-Length: %d\r\n\r\n" % length) is Arrival.TOO_LARGE


@pytest.mark.parametrize("digits", range(3, 17))
def test_a_chunk_larger_than_its_path_takes_is_known_from_its_size_of_any_digits(digits: int) -> None:
    assert incoming().take(CHUNKED + b"4" + b"0" * (digits - 1) + b"\r\n") is Arrival.TOO_LARGE
    assert incoming().take(CHUNKED + b"0" * (16 - digits) + b"4" + b"0" * (digits - 1) + b"\r\n") is Arrival.TOO_LARGE


def test_chunks_are_too_large_together_with_the_size_of_the_one_that_is() -> None:
    one = incoming()
    assert one.take(CHUNKED + b"1f4\r\n" + b"x" * 500 + b"\r\n1f4\r\n" + b"x" * 499) is Arrival.PART
    assert one.take(b"x\r\n1") is Arrival.PART
    assert one.take(b"\r\n") is Arrival.TOO_LARGE


def test_a_body_of_just_the_largest_size_is_collected_whatever_its_form() -> None:
    one = incoming()
    assert one.take(HEAD + b"Content-Length: 1000\r\n\r\n") is Arrival.PART
    assert one.take(b"x" * 1000) is Arrival.WHOLE
    two = incoming()
    assert two.take(CHUNKED + b"3e8\r\n" + b"x" * 1000) is Arrival.PART
    assert two.take(b"\r\n0\r\n\r\n") is Arrival.WHOLE


def test_a_body_that_is_large_where_it_may_be_is_read_as_it_comes() -> None:
    assert incoming(1000, evaluate=2000).take(HEAD + b"Content-Length: 1001\r\n\r\n") is Arrival.COMING
    assert incoming(1000, evaluate=2000).take(CHUNKED + b"3e9\r\n") is Arrival.COMING
    assert incoming(1000, evaluate=2000).take(CHUNKED + b"7d1\r\n") is Arrival.TOO_LARGE
    assert incoming(1000, evaluate=2000).take(HEAD + b"Content-Length: 1000\r\n\r\n") is Arrival.PART


def test_a_body_in_tiny_chunks_is_collected_up_to_twice_its_size() -> None:
    one = incoming()
    assert one.take(CHUNKED + b"1\r\nx\r\n" * 333) is Arrival.PART
    assert one.take(b"1\r\nx\r\n") is Arrival.COMING


def test_chunks_of_a_path_that_streams_are_read_as_they_come_from_their_head_on() -> None:
    one = incoming(1000, "/v1/evaluate")
    assert one.take(CHUNKED) is Arrival.COMING
    assert one.take(b"fffffffff\r\n") is Arrival.COMING
    assert not one.whole


def test_what_is_read_as_it_comes_may_become_whole_before_it_is_read() -> None:
    one = incoming(1000, "/v1/evaluate")
    assert one.take(CHUNKED + b"1\r\n") is Arrival.COMING
    assert one.take(b"x\r\n0\r\n\r\nnext") is Arrival.WHOLE
    assert one.release() == b"next"


@pytest.mark.parametrize(
    ("begun", "rest"),
    [(b"Content-Length: 9\r\n\r\n123", b"456789"), (b"Transfer-Encoding: chunked\r\n\r\n", b"3\r\n123\r\n0\r\n\r\n")],
)
def test_a_body_that_was_handed_over_is_read_as_it_comes(begun: bytes, rest: bytes) -> None:
    one = incoming(5, "/v1/evaluate", evaluate=10)
    assert one.take(HEAD + begun) is Arrival.COMING
    assert one.release() == b""
    coming = iter([rest + b"next"])
    one.source.more = lambda _size: next(coming)
    assert not one.is_read()
    assert len(one.request.body.read()) in (9, 3)
    assert one.is_read()
    assert one.source.take_buffered() == b"next"


def test_a_client_that_waits_to_be_told_to_go_on_is_known() -> None:
    one = incoming()
    assert one.take(HEAD + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n") is Arrival.PART
    assert one.expects
    old = incoming()
    assert old.take(HEAD.replace(b"1.1", b"1.0") + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n") is Arrival.PART
    assert not old.expects


def test_no_client_says_how_much_is_read_at_once() -> None:
    one = incoming(1000, "/v1/evaluate")
    assert one.take(CHUNKED + b"f" * 16 + b"\r\n") is Arrival.COMING
    asked: list[int] = []
    one.release()
    one.source.more = lambda size: asked.append(size) or b""  # type: ignore[func-returns-value]
    with pytest.raises(NoMoreData):
        one.request.body.read()
    assert max(asked) == 1_048_576
