"""`policyctl audit`: the log sealed, verified, proved and erased from."""

import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from policy_service.cli.acting import OneLine, act, fail
from policy_service.cli.ceremonies import COMMANDS as CEREMONIES
from policy_service.cli.decisions import auditing
from policy_service.cli.page import page
from policy_service.cli.requests import reporting_faults
from policy_service.cli.revealing import note
from policy_service.cli.terminal import counted, format_option, found_errors, write_json
from policy_service.decisions.audit.certifying import certify
from policy_service.decisions.audit.exporting import ExportBlocked
from policy_service.decisions.audit.findings import Finding, GivenReceipt, Progress, Verified
from policy_service.decisions.audit.witnessed import Quorum
from policy_service.decisions.sealed.asking import FINE
from policy_service.proofs import keys
from policy_service.proofs.cosignatures import WitnessKey
from policy_service.proofs.keys import KeyRefused, Verifier
from policy_service.proofs.receipts import Receipt, ReceiptRefused
from policy_service.requests.filters import SUBJECT
from policy_service.settings import read_settings

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_NEW_FILE = click.Path(dir_okay=False, path_type=Path)
_NEW_FOLDER = click.Path(file_okay=False, path_type=Path)
_HASH = re.compile("[0-9a-f]{64}")
_BAR_STEP = 256


class _Key(click.ParamType[Verifier]):
    """A verifier key."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Verifier:
        try:
            return value if isinstance(value, Verifier) else Verifier.parse(value)
        except KeyRefused as error:
            self.fail(str(error), param, ctx)


class _Witness(click.ParamType[WitnessKey]):
    """The key of a witness."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> WitnessKey:
        try:
            return value if isinstance(value, WitnessKey) else WitnessKey.parse(value)
        except KeyRefused as error:
            self.fail(str(error), param, ctx)


class _Subject(click.ParamType[str]):
    """Type and id of a subject."""

    name = "type:id"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if re.fullmatch(SUBJECT, value) is None:
            self.fail("a subject is TYPE:ID, as member:u-77", param, ctx)
        return value


@click.group()
def audit() -> None:
    """Seal, verify and prove the log, and erase from it.

    All but `new-key` act on the database of POLICY_DATABASE_URL.
    """


audit.add_command(page)
for _command in CEREMONIES:
    audit.add_command(_command)


@audit.command()
@format_option
def seal(form: str) -> None:
    """Give the records that wait their place in the log, and sign its head. A running service does so by itself."""
    with auditing(form, signs=True) as (_, known):
        sealed = known.sealer.seal_all()
        size = known.log.size()
    if form == "json":
        write_json({"sealed": sealed, "size": size})
    else:
        click.echo(f"sealed {counted(sealed, 'record')}, the log has {size}")


@audit.command()
@format_option
def push(form: str) -> None:
    """Show the newest head to the witnesses of POLICY_WITNESSES, and put it into the folder of POLICY_HEADS_FOLDER.

    A running service does so by itself. Exit status 1 where it did not arrive everywhere.
    """
    with auditing(form) as (_, known):
        if not known.pusher.has_places:
            fail("there is nowhere to push to: POLICY_WITNESSES, POLICY_HEADS_FOLDER")
        found = known.pusher.push()
    if form == "json":
        write_json([{"place": place, **asked.json} for place, asked in found.items()])
    else:
        for place, asked in found.items():
            said = asked.message or (counted(asked.size, "record") if asked.size else "")
            click.echo(f"{place}: {asked.outcome}{said and ': '}{said}")
    if any(asked.outcome not in FINE for asked in found.values()):
        raise found_errors()


@audit.command()
@click.option("--size", type=click.IntRange(0), help="The head of an earlier size.")
@format_option
def head(size: int | None, form: str) -> None:
    """Print the signed head of the log: keep it, apart from the store, for `verify --head`.

    As text it is the note alone, which other people's witnesses read; with --format json the verifier keys are with it.
    """
    with auditing(form) as (_, known):
        found = known.head(size)
        shown = known.shown(found)
    if form == "json":
        write_json(shown)
    else:
        click.echo(shown["note"], nl=False)


@audit.command()
@click.option("--key", "trusted", type=_Key(), multiple=True, help="A verifier key to trust, instead of the service's.")
@click.option("--head", "heads", type=_FILE, multiple=True, help="A head that was kept; repeatable.")
@click.option(
    "--receipt", "receipts", type=_FILE, multiple=True,
    help="An answer that was kept, or another JSON file with `decision_id` and `receipt`; repeatable.",
)  # fmt: skip
@click.option(
    "--resume",
    type=_NEW_FILE,
    help="Do not verify the signatures again that the walk verified which wrote this file; and renew it.",
)
@click.option(
    "--witness", "witnesses", type=_Witness(), multiple=True, help="A key of a witness that cosigns; repeatable."
)
@click.option(
    "--quorum", type=click.IntRange(1), metavar="N", help="So many of the witnesses must have cosigned; by default all."
)
@format_option
def verify(
    trusted: tuple[Verifier, ...],
    heads: tuple[Path, ...],
    receipts: tuple[Path, ...],
    witnesses: tuple[WitnessKey, ...],
    quorum: int | None,
    resume: Path | None,
    form: str,
) -> None:
    """Check the whole log: every record and bundle hashed again, indices, tree, signed heads, receipts.

    Whoever can write the store can also write a log that fits itself: give keys, heads and receipts that were kept
    elsewhere. What does not fit is listed, and the first record of it named. Exit status 1 where anything does not fit.

    With --witness a quorum must have cosigned the newest head, or another one in the last ten minutes.
    """
    demanded = _quorum(witnesses, quorum)
    given = [_receipt(path) for path in receipts]
    notes = [_note(path) for path in heads]
    begun = Progress() if resume is None or not resume.exists() else _progress(resume)
    with auditing(form) as (_, known), _bar(known.log.size()) as step:
        if not trusted and not known.keys.verifiers and known.log.size():
            fail("no key to trust is at hand: give --key")
        found = known.verify(
            verifiers=trusted, heads=notes, given=given, quorum=demanded,
            resume=begun, step=step, keep=lambda now: _keep(resume, now),
        )  # fmt: skip
    if not found.findings:
        _keep(resume, found.progress)
    if form == "json":
        _write_verified(found)
    else:
        _tell(found, is_own=not trusted, quorum=demanded)
    if found.findings:
        raise found_errors()


def _quorum(witnesses: Sequence[WitnessKey], number: int | None) -> Quorum | None:
    if not witnesses and number is None:
        return None
    try:
        return Quorum(tuple(witnesses), number or len(witnesses))
    except ValueError as error:
        raise click.UsageError(f"{error}: --witness") from error


def _keep(file: Path | None, progress: Progress) -> None:
    """Write how far a verification came, so that the file is the old or the new one whenever this ends."""
    if file is None:
        return
    written = file.with_name(f"{file.name}.new")
    try:
        written.write_text(json.dumps(asdict(progress)) + "\n", "utf-8")
        written.replace(file)
    except OSError as error:
        fail(f"`{file}` cannot be written: {error.strerror}")


@contextmanager
def _bar(length: int, label: str = "verify") -> Iterator[Callable[[int], None]]:
    """What is told how many records are checked; at a terminal a bar on standard error shows it."""
    if length < _BAR_STEP or not sys.stderr.isatty():
        yield lambda _: None
        return
    with click.progressbar(length=length, label=label, file=sys.stderr) as bar:

        def step(done: int) -> None:
            if done % _BAR_STEP == 0:
                bar.update(_BAR_STEP)

        yield step
        bar.update(length % _BAR_STEP)


def _note(path: Path) -> str:
    """The head in a file: the note itself, or the JSON of GET /v1/log/head."""
    text = _text(path)
    if not text.startswith("{"):
        return text
    note = _object(path, text).get("note")
    if not isinstance(note, str):
        raise click.UsageError(f"{path}: there is no `note`")
    return note


def _receipt(path: Path) -> GivenReceipt:
    found = _object(path, _text(path))
    try:
        return GivenReceipt(str(found["decision_id"]), Receipt.parse(found["receipt"]))
    except (KeyError, ReceiptRefused) as error:
        raise click.UsageError(f"{path}: `decision_id` and `receipt` are needed, as an answer has them") from error


def _progress(path: Path) -> Progress:
    found = _object(path, _text(path))
    records, hashes = found.get("records"), [found.get("root"), found.get("receipts")]
    if type(records) is not int or records < 0 or not all(isinstance(one, str) for one in hashes):
        raise click.UsageError(f"{path}: no verification wrote this")
    if records and not all(_HASH.fullmatch(str(one)) for one in hashes):
        raise click.UsageError(f"{path}: no verification wrote this")
    return Progress(records, *map(str, hashes))


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"{path}: it cannot be read") from error


def _object(path: Path, text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise click.UsageError(f"{path}: it is no JSON object")
    return found


def _first(findings: Sequence[Finding]) -> Finding | None:
    """The finding about the record with the smallest index."""
    placed = [one for one in findings if one.index is not None]
    return min(placed, key=lambda one: one.index or 0) if placed else None


def _write_verified(found: Verified) -> None:
    first = _first(found.findings)
    write_json(
        {
            "fits": not found.findings,
            "records": found.records,
            "heads": found.heads,
            "bundles": found.bundles,
            "waiting": found.waiting,
            "witnessed": found.witnessed,
            "first": None if first is None else asdict(first),
            "findings": [asdict(one) for one in found.findings],
            "further": found.further,
        }
    )


def _tell(found: Verified, *, is_own: bool, quorum: Quorum | None) -> None:
    for one in found.findings:
        place = "" if one.index is None else f"index {one.index}: "
        click.echo(f"{place}{one.kind}: {one.message}")
    if found.further:
        click.echo(f"and {found.further} more")
    if (first := _first(found.findings)) is not None:
        named = "" if first.id is None else f" ({first.id})"
        click.echo(f"the first record that does not fit: index {first.index}{named}: {first.message}")
    checked = (
        f"{counted(found.records, 'record')}, {counted(found.heads, 'head')} and {counted(found.bundles, 'bundle')}"
    )
    result = "it does not fit" if found.findings else "all fits" if found.records else "the log is empty"
    waiting = f"; {found.waiting} wait to be sealed" if found.waiting else ""
    click.echo(f"checked {checked}{waiting}: {result}")
    if quorum is not None and found.witnessed is not None:
        of = f"{quorum.number} of {counted(len(quorum.keys), 'witness', 'witnesses')}"
        click.echo(f"{of} cosigned the head of {counted(found.witnessed, 'record')}")
    if is_own:
        click.echo("trusted were the keys of this installation: give --key to trust others", err=True)


@audit.command()
@click.argument("decision", required=False)
@click.option("--proof", "file", type=_NEW_FILE, help="The file to write.")
@click.option("--private", is_flag=True, help="With its sensitive values; it is noted in the audit trail.")
@click.option("--log", "folder", type=_NEW_FOLDER, help="Export the whole log, into this folder.")
@format_option
def export(decision: str | None, file: Path | None, private: bool, folder: Path | None, form: str) -> None:
    """Write all that proves DECISION into one file, which tools/verify_decision.py verifies without the service.

    Or with --log the whole log into a folder, which tools/verify_log.py verifies. Sensitive values are not in it.
    """
    if folder is not None:
        if decision is not None or file is not None or private:
            raise click.UsageError("--log exports the whole log: without DECISION, --proof and --private")
        _export_log(folder, form)
        return
    if decision is None or file is None:
        raise click.UsageError("give DECISION and --proof FILE, or --log FOLDER")
    with auditing(form, signs=private) as (assembled, known):
        found = known.export(decision, private=private)
        if private:
            note(assembled, decision, "evidence")
    try:
        if private:
            file.touch(0o600)
        file.write_text(found.dumps(), "utf-8")
    except OSError as error:
        fail(f"`{file}` cannot be written: {error.strerror}")
    inclusion = found.inclusion
    if form == "json":
        write_json({"decision_id": decision, "index": inclusion.index, "size": inclusion.size, "file": str(file)})
    else:
        click.echo(f"{file}: decision {decision}, index {inclusion.index} of {inclusion.size}")


def _export_log(folder: Path, form: str) -> None:
    with auditing(form, signs=False) as (_, known), _bar(known.log.size(), "export") as step:
        try:
            found = known.export_log(folder, step)
        except ExportBlocked as error:
            fail(str(error))
    if form == "json":
        write_json(asdict(found))
    else:
        click.echo(f"{folder}: {counted(found.size, 'record')}, {counted(found.heads, 'head')}")


@audit.command()
@click.option("--subject", type=_Subject(), required=True, help="Whose sensitive values are erased.")
@click.option(
    "--ticket", type=OneLine("ticket"), required=True, help="Why; it stands in the log, and must name no person."
)
@format_option
def erase(subject: str, ticket: str, form: str) -> None:
    """Erase the sensitive values of all decisions about a subject, for ever; the log records which.

    The records stay as they are, and all proofs fit. What needs the values, as a replay does, answers `erased`. A
    record about several persons loses the values of all of them. Told is what is not yet gone: what the database
    keeps of deleted rows, and copies that cannot be seen from here; `audit erased` looks again.

    Exit status 1 where nothing was found to erase.
    """
    kind, _, id_ = subject.partition(":")
    with auditing(form, signs=True) as (_, known):
        found = known.erasing.erase(kind, id_, ticket=ticket, actor=act().actor)
    if form == "json":
        write_json(
            {
                "erasure_id": found.id,
                "records": list(found.records),
                "values": found.values,
                "not_yet_gone": list(found.not_yet_gone),
            }
        )
    elif found.id is not None:
        values, records = counted(found.values, "value"), counted(len(found.records), "decision")
        click.echo(f"erased {values} of {records}: erasure {found.id}")
        for message in found.not_yet_gone:
            click.echo(f"not yet gone: {message}")
    else:
        click.echo("nothing to erase: no sealed decision with sensitive values is about this subject", err=True)
    if found.id is None:
        raise found_errors()


@audit.command()
@click.argument("erasure")
@click.option("--vacuum", is_flag=True, help="Write the tables anew first; nobody can write meanwhile.")
@format_option
def erased(erasure: str, vacuum: bool, form: str) -> None:
    """Look again at ERASURE, and print its certificate, as JSON, once nothing of it is left that can be seen from here.

    The certificate names the decisions, the erasure's place in the log with the proof of it, and what it does not
    cover: backups and other copies. With --format json there is one always; `gone` says whether it holds.

    Exit status 1 where something is not yet gone.
    """
    with auditing(form) as (_, known):
        found = certify(known, erasure, renew=vacuum)
    if form == "json" or not found.remains:
        write_json(found.certificate)
    else:
        for one in found.remains:
            click.echo(f"not yet gone: {one.message}")
    if found.remains:
        raise found_errors()


@audit.command(name="new-key")
@click.argument("file", type=_NEW_FILE)
def new_key(file: Path) -> None:
    """Make a key that signs the log, in a new FILE that its owner alone can read, and print its verifier key.

    The key is named after POLICY_LOG_ORIGIN; POLICY_SIGNING_KEY names the file. Keep the verifier key apart from the
    store, with those who verify.
    """
    with reporting_faults("text"):
        origin = read_settings().log_origin
    try:
        made = keys.make(file, origin)
    except FileExistsError:
        fail(f"`{file}` is there already, and is left as it is")
    except (OSError, KeyRefused) as error:
        fail(f"no key can be made: {error}")
    click.echo(made.verifier.text)
