"""The token of the first key: of one start, for one use, and nothing that is kept tells it."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from policy_service.access.first_key import FirstKey, TokenRefused


def is_taken(first_key: FirstKey, token: str | None) -> bool:
    try:
        with first_key.spending(token):
            return True
    except TokenRefused:
        return False


@pytest.mark.parametrize("token", [None, "", "x", "0" * 64])
def test_before_a_token_is_made_none_fits(token: str | None) -> None:
    assert not is_taken(FirstKey(), token)


def test_the_token_holds_once() -> None:
    first_key = FirstKey()
    token = first_key.new_token()
    assert [is_taken(first_key, token) for _ in range(3)] == [True, False, False]


def test_a_wrong_one_is_refused_and_spends_nothing() -> None:
    first_key = FirstKey()
    token = first_key.new_token()
    for wrong in (None, "", token[:-1], f"{token} ", token.swapcase(), "\u00e9", FirstKey().new_token()):
        assert not is_taken(first_key, wrong)
    assert is_taken(first_key, token)


def test_what_fails_gives_it_back() -> None:
    first_key = FirstKey()
    token = first_key.new_token()
    with pytest.raises(KeyboardInterrupt), first_key.spending(token):
        raise KeyboardInterrupt
    assert is_taken(first_key, token)
    assert not is_taken(first_key, token)


def test_a_new_token_ends_the_one_before() -> None:
    first_key = FirstKey()
    old = first_key.new_token()
    new = first_key.new_token()
    assert not is_taken(first_key, old)
    assert is_taken(first_key, new)


def test_of_many_at_once_one_spends_it() -> None:
    first_key = FirstKey()
    token = first_key.new_token()
    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(lambda _: is_taken(first_key, token), range(200))) == 1


def test_nothing_that_is_kept_tells_it() -> None:
    first_key = FirstKey()
    token = first_key.new_token()
    assert len(token) == 43  # 256 bits, six a character
    assert token not in repr(vars(first_key))
