"""The name and the keys that the log is signed with, and where they are read from."""

import logging
import os
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from policy_service.decisions.sealed.agents import AgentSigner
from policy_service.proofs import keys
from policy_service.proofs.keys import KeyRefused, Signer, Verifier

_LOG = logging.getLogger(__name__)
_PRIVATE, _PUBLIC = ".pem", ".pub"
"""How the names of files end in a folder of keys. What ends with the second is a key that an agent holds."""


@dataclass(frozen=True, slots=True)
class LogKeys:
    """The name of the log in heads and receipts, and its keys.

    signers: the first signs receipts, all of them heads, so that a rotation overlaps; none where nothing is signed.
    retired: keys that are trusted and do not sign here.
    """

    origin: str
    signers: tuple[Signer, ...]
    retired: tuple[Verifier, ...] = ()

    @property
    def verifiers(self) -> tuple[Verifier, ...]:
        return (*(signer.verifier for signer in self.signers), *self.retired)

    def try_now(self) -> None:
        """Raises SigningUnavailable where an agent does not sign now; a key in a file always does."""
        for signer in self.signers:
            if isinstance(signer, AgentSigner):
                signer.try_now()


def load_keys(origin: str, paths: Sequence[Path], retired: Path | None = None, agent: Path | None = None) -> LogKeys:
    """The keys in some files, of which each signs. No agent is asked yet.

    Args:
        paths: files, and folders, which stand for their `*.pem` and `*.pub` in the order of their names.
        retired: a file of verifier keys, one a line; lines that begin with `#` are for people.
        agent: the socket of what signs with the keys in `*.pub`.
    Raises:
        KeyRefused: there is no file; one cannot be read, holds no key, or may be used by others than its owner and
            group; an agent is needed; two files hold one key.
    """
    try:
        signers = tuple(_signer(file, origin, agent) for file in _files(paths))
        found = LogKeys(origin, signers, _retired(retired))
    except (OSError, UnicodeDecodeError) as error:
        raise KeyRefused(f"a key cannot be read: {error}") from error
    if not signers:
        raise KeyRefused("no key is named that signs the log")
    if len({signer.verifier for signer in signers}) < len(signers):
        raise KeyRefused("a key that signs the log is named twice")
    return found


def trusted_keys(origin: str, paths: Sequence[Path], retired: Path | None = None) -> LogKeys:
    """The same keys, of which none signs: for those who only read.

    They need no private key, so what is not there, or may not be read, is left out.

    Raises:
        KeyRefused: a file that can be read holds no key; or the retired keys cannot be read.
    """
    found: list[Verifier] = []
    for path in paths:
        with suppress(FileNotFoundError, PermissionError):
            found += [_verifier(file, origin) for file in _files([path])]
    try:
        return LogKeys(origin, (), (*found, *_retired(retired)))
    except (OSError, UnicodeDecodeError) as error:
        raise KeyRefused(f"a key cannot be read: {error}") from error


def _files(paths: Sequence[Path]) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        found += sorted(map(path.joinpath, filter(_is_key, os.listdir(path)))) if path.is_dir() else [path]
    return found


def _is_key(name: str) -> bool:
    return not name.startswith(".") and name.endswith((_PRIVATE, _PUBLIC))


def _signer(file: Path, origin: str, agent: Path | None) -> Signer:
    if file.suffix != _PUBLIC:
        return keys.load(file, origin)
    if agent is None:
        raise KeyRefused(f"`{file}` is a public key: POLICY_SIGNING_AGENT must name the agent that signs with it")
    return AgentSigner(keys.load_public(file, origin), agent)


def _verifier(file: Path, origin: str) -> Verifier:
    return keys.load_public(file, origin) if file.suffix == _PUBLIC else keys.load(file, origin).verifier


def _retired(file: Path | None) -> tuple[Verifier, ...]:
    lines = [] if file is None else map(str.strip, file.read_text("utf-8").splitlines())
    return tuple(Verifier.parse(line) for line in lines if line and not line.startswith("#"))


def beside(database: Path) -> Path:
    """Where the key of an embedded database is by default."""
    return database.with_name(f"{database.name}.signing-key.pem")


def key_beside(database: Path, has_records: Callable[[], bool] = lambda: False) -> Path:
    """The key file beside an embedded database, made on first use with a warning.

    Of several processes that start at once one makes it; the file appears complete or not at all.

    Args:
        has_records: whether the log was begun: then another key would only hide that its own is gone.
    Raises:
        KeyRefused: it is not there and the log has records, or it cannot be made.
    """
    path = beside(database)
    if path.exists():
        return path
    if has_records() and not path.exists():  # again, as another process may have begun the log meanwhile
        raise KeyRefused(
            f"the log has records, and the key that signs it is not at `{path}`: put it back, or name the one to be "
            "used from now on"
        )
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
