"""`policyctl keys` and `policyctl trail`."""

import json
from collections.abc import Callable

import pytest
from click.testing import Result

Run = Callable[..., Result]


def test_a_key_is_made_shown_once_rotated_and_revoked(run: Run) -> None:
    made = run(
        "keys", "create", "--name", "ops", "--role", "operate", "--role", "read", "--rate", "5", "--expires", "90d"
    )
    assert made.exit_code == 0, made.stderr
    text = made.stdout.strip()
    id = text.split("_")[1]
    assert text.startswith(f"psk_{id}_")
    new = json.loads(run("keys", "rotate", id, "--grace", "1h", "--format", "json").stdout)
    assert (new["name"], new["roles"], new["rate"], new["state"]) == ("ops", ["operate", "read"], 5, "active")
    assert "expires_at" in new
    assert run("keys", "revoke", id, "--reason", "lost").stdout == f"revoked: {id} of ops\n"
    listed = run("keys", "list")
    assert [line.split()[:3] for line in listed.stdout.splitlines()] == [
        ["id", "name", "state"],
        [id, "ops", "revoked"],
        [new["id"], "ops", "active"],
    ]
    assert text not in listed.stdout
    trail = json.loads(run("trail", "--format", "json").stdout)["entries"]
    assert [(one["actor"], one["action"]) for one in trail] == [
        ("policyctl", "key.revoke"),
        ("policyctl", "key.expire"),
        ("policyctl", "key.rotate"),
        ("policyctl", "key.create"),
        ("service", "log.begin"),
    ]
    assert "key.revoke" in run("trail", "--limit", "1").stdout


@pytest.mark.parametrize(
    "words",
    [
        ("create", "--name", "a"),
        ("create", "--role", "read"),
        ("create", "--name", "a", "--role", "owner"),
        ("create", "--name", "a", "--role", "read", "--rate", "0"),
        ("create", "--name", "a", "--role", "read", "--expires", "soon"),
        ("rotate", "x", "--grace", "1"),
        ("revoke", "x"),
    ],
)
def test_a_wrong_word_is_a_wrong_command_line(run: Run, words: tuple[str, ...]) -> None:
    assert run("keys", *words).exit_code == 2


def test_what_cannot_be_is_told(run: Run) -> None:
    assert "there is no key `x`" in run("keys", "rotate", "x").stderr
    refused = run("keys", "create", "--name", "serve", "--role", "read")
    assert refused.exit_code == 1
    assert "the name `serve` is the service's own" in refused.stderr
    assert run("keys", "create", "--name", "a", "--role", "read", "--expires", "2001-01-01").exit_code == 1
