"""The name and the keys that the log is signed with, and where they are read from."""

import logging
import os
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from policy_service.proofs import keys
from policy_service.proofs.keys import KeyRefused, Signer, Verifier

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LogKeys:
    """The name of the log in heads and receipts, and its keys.

    signers: the first signs receipts, all of them heads, so that a rotation overlaps.
    retired: keys that signed before, and are still trusted.
    """

    origin: str
    signers: tuple[Signer, ...]
    retired: tuple[Verifier, ...] = ()

    @property
    def verifiers(self) -> tuple[Verifier, ...]:
        return (*(signer.verifier for signer in self.signers), *self.retired)


def load_keys(origin: str, paths: Sequence[Path], retired: Path | None = None) -> LogKeys:
    """The keys in some files.

    Args:
        retired: a file of verifier keys, one a line; lines that begin with `#` are for people.
    Raises:
        KeyRefused: there is no file; or one cannot be read, holds no key, or may be used by others than its owner.
    """
    if not paths:
        raise KeyRefused("no key is named that signs the log")
    try:
        signers = tuple(keys.load(path, origin) for path in paths)
        lines = [] if retired is None else retired.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise KeyRefused(f"a key cannot be read: {error}") from error
    return LogKeys(
        origin,
        signers,
        tuple(Verifier.parse(line) for line in map(str.strip, lines) if line and not line.startswith("#")),
    )


def key_beside(database: Path) -> Path:
    """The key file beside an embedded database, made on first use with a warning.

    Of several processes that start at once one makes it; the file appears complete or not at all.

    Raises:
        KeyRefused: it cannot be made.
    """
    path = database.with_name(f"{database.name}.signing-key.pem")
    if path.exists():
        return path
    made = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    try:
        keys.make(made, "new")
        with suppress(FileExistsError):
            os.link(made, path)
            _LOG.warning("a key that signs the log was made, keep a copy of it apart from the store: %s", path)
    except OSError as error:
        raise KeyRefused(f"no key can be made beside the store: {error}") from error
    finally:
        made.unlink(missing_ok=True)
    return path
