"""Bundles over HTTP: stored, shown, activated, rolled back, and their history."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, TypeVar

from flask import Response, request
from flask_smorest import Blueprint

from policy_service.api import body, examples, links, problems, reading
from policy_service.api.access import needs
from policy_service.api.acting import act
from policy_service.api.answers import answer
from policy_service.api.body import JSON, Posted
from policy_service.api.paging import cursor_parameter, limit_parameter
from policy_service.api.problems import Refused
from policy_service.api.schemas.bundles import (
    NOW,
    ActivateSchema,
    ActivationListSchema,
    BundleListSchema,
    BundleSchema,
    BundleUploadSchema,
    OrderedSchema,
    RollbackSchema,
    UploadedSchema,
)
from policy_service.api.schemas.request import BUNDLE_ID
from policy_service.api.shared import publishing, settings
from policy_service.decisions.answers.days import moment_of
from policy_service.decisions.bundles.evaluators import UnknownBundle, imminent
from policy_service.decisions.bundles.publishing import (
    BadInstant,
    BundleInvalid,
    Busy,
    NothingBefore,
    Ordered,
    Uploaded,
)
from policy_service.decisions.deciding.service import NotFound
from policy_service.decisions.ports.activations import Activation, ActivationState, BundleEntry
from policy_service.diagnostics import Diagnostic, Fault, InvalidInput, escape, fault
from policy_service.diagnostics.catalogue import BAD_OPTION, FOLDER, OUT_OF_RANGE, WRONG_TYPE
from policy_service.policies.packing import Limits, NotUnpacked, accepted, unpack

ZIP = "application/zip"
blueprint = Blueprint("bundles", __name__, url_prefix="/v1", description="Rules: stored, activated, taken back")
_UPLOAD, _ACTIVATE, _ROLLBACK = BundleUploadSchema(), ActivateSchema(), RollbackSchema()
_FOLDER = "rules"
_ID = re.compile(BUNDLE_ID)
_SEQUENCE = "[1-9][0-9]{0,17}"
_PLACE = f"([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T[0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}[.][0-9]{{3}}Z)~({BUNDLE_ID})"
"""A place in the list of bundles: when one was first stored, and its id."""
_MOST, _USUAL = 100, 20
_ORDERS_SHOWN = 100
Done = TypeVar("Done")
_UPLOAD_BODY = {
    "required": True,
    "content": {
        ZIP: {"schema": {"type": "string", "format": "binary", "description": "A zip of the rules folder."}},
        JSON: {"schema": BundleUploadSchema, "example": {"files": examples.SOURCES, "label": "spring"}},
    },
}
ID_PARAMETER = {
    "in": "path",
    "name": "id",
    "required": True,
    "schema": {"type": "string", "pattern": f"^{BUNDLE_ID}$"},
    "example": examples.BUNDLE,
}


_LIMIT = limit_parameter("The most that a page has.", most=_MOST, usual=_USUAL)
_READING = (problems.NOT_ACCEPTABLE, problems.HOST_REFUSED, problems.INVALID, problems.INTERNAL, problems.STORE)
_WRITING = (
    *_READING,
    problems.MALFORMED,
    problems.BAD_REQUEST,
    problems.BODY_TOO_LARGE,
    problems.MEDIA_TYPE,
    problems.BUSY,
)


# ---- store


@blueprint.route("/bundles", methods=["POST"])
@blueprint.response(200, UploadedSchema, description="It was stored before; the label of that time stays.")
@blueprint.response(201, UploadedSchema, description="It is stored.")
@blueprint.doc(
    operationId="uploadBundle",
    requestBody=_UPLOAD_BODY,
    responses={200: {"links": links.OF_A_BUNDLE}, 201: {"links": links.OF_A_BUNDLE}}
    | problems.documented(problems.BUNDLE_INVALID, *_WRITING),
)
@needs("publish")
def upload() -> Response:
    """Store a rules folder.

    It is checked as `policyctl check` does: rules, cases, and whether the engine can hold them. Every error of every
    file is told at once, and then nothing is stored. A stored bundle can be previewed; it decides once it is activated.
    A worker checks one bundle at a time.
    """
    reading.query(request)
    sources, label = _posted()
    try:
        found = publishing().upload(sources, act(), label=label)
    except BundleInvalid as error:
        faults = [_located(one) for one in sorted(error.diagnostics, key=lambda d: d.severity != "error")]
        raise Refused(
            problems.BUNDLE_INVALID, _counted(sum(d.severity == "error" for d in error.diagnostics)), faults
        ) from error
    except Busy as error:
        raise Refused(problems.BUSY, str(error)) from error
    return answer(_uploaded(found), 201 if found.new else 200)


def _posted() -> tuple[dict[str, str], str | None]:
    """The rule files of the request, and the label it gives them."""
    known = settings()
    limits = Limits(unpacked=known.max_bundle_unpacked)
    body.check_type(request, ZIP, JSON)
    data = body.whole(request, known.max_bundle)
    try:
        if request.mimetype == ZIP:
            return unpack(data, limits), None
        loaded, faults = reading.loaded(_UPLOAD, body.parse(data, known.max_depth))
        files: Mapping[str, Any] = loaded.get("files", {})
        faults += [
            fault(_pointer(path), WRONG_TYPE, "a text is needed")
            for path, text in files.items()
            if not isinstance(text, str)
        ]
        if faults:
            raise InvalidInput(faults)
        return accepted(files, limits), loaded.get("label")
    except NotUnpacked as error:
        faults = [
            fault("" if one.path is None else _pointer(one.path), FOLDER, one.message, one.hint) for one in error.faults
        ]
        raise Refused(problems.BUNDLE_INVALID, _counted(len(faults)), faults) from error


def _pointer(path: str) -> str:
    return f"/files/{escape(path)}"


def _located(one: Diagnostic) -> Fault:
    """A diagnostic of a file as a fault of the body."""
    inside = one.span.file.startswith(f"{_FOLDER}/")
    path = one.span.file.removeprefix(f"{_FOLDER}/")
    place = f"{path}:{one.span.line}:{one.span.column}: " if inside else ""
    also = "".join(f"; see {str(span).removeprefix(f'{_FOLDER}/')}: {text}" for span, text in one.related)
    return Fault(
        _pointer(path) if inside else "/files", one.code.code, f"{place}{one.severity}: {one.message}{also}", one.hint
    )


def _counted(errors: int) -> str:
    return f"{errors} {'error' if errors == 1 else 'errors'}; nothing was stored"


def _uploaded(found: Uploaded) -> dict[str, Any]:
    return {
        "id": found.id,
        "label": found.label,
        "new": found.new,
        "files": list(found.files),
        "warnings": [
            {"pointer": one.pointer, "code": one.code, "message": one.message}
            | ({} if one.hint is None else {"hint": one.hint})
            for one in map(_located, found.warnings)
        ],
    }


# ---- show


@blueprint.route("/bundles")
@blueprint.response(200, BundleListSchema, description="A page of bundles.")
@blueprint.doc(
    operationId="bundles", parameters=[_LIMIT, cursor_parameter(_PLACE)], responses=problems.documented(*_READING)
)
@needs("publish")
def bundles() -> Response:
    """Stored bundles, newest first, and which of them answer now or later."""
    asked = reading.query(request, "limit", "cursor")
    faults: list[Fault] = []
    limit, cursor = _limit(asked, faults), asked.get("cursor")
    stored = sorted(publishing().bundles.bundles(), key=lambda one: (one.seen_at, one.id), reverse=True)
    if cursor is not None:
        place = re.fullmatch(_PLACE, cursor)
        if place is None:
            faults.append(_no_cursor())
        else:
            stored = [one for one in stored if (one.seen_at, one.id) < place.groups()]
    if faults:
        raise InvalidInput(faults)
    state = publishing().activation_state()
    page = stored[:limit]
    more = f"{page[-1].seen_at}~{page[-1].id}" if limit < len(stored) else None
    return answer({"bundles": [_listed(one, state) for one in page], "next": more})


@blueprint.route("/bundles/<bundle:id>", parameters=[ID_PARAMETER])
@blueprint.response(200, BundleSchema, description="The bundle.")
@blueprint.doc(
    operationId="bundle",
    parameters=[
        {
            "in": "query",
            "name": "sources",
            "schema": {"enum": ["true", "false"], "default": "false"},
            "description": "Whether the texts of the files are shown.",
        }
    ],
    responses=problems.documented(problems.NOT_FOUND, *_READING),
)
@needs("publish")
def bundle(id: str) -> Response:
    """A stored bundle: its files, and the orders that named it."""
    wanted = reading.query(request, "sources").get("sources", "false")
    if wanted not in ("true", "false"):
        raise InvalidInput([fault("/sources", BAD_OPTION, "`sources` is true or false")])
    store = publishing().bundles
    entry, sources = store.bundle(checked(id)), store.sources(id)
    if entry is None or sources is None:
        raise _unknown(id)
    orders = [one for one in store.activations() if id in (one.bundle, one.published)][:_ORDERS_SHOWN]
    files = [
        {"path": path, "bytes": len(text.encode())} | ({"text": text} if wanted == "true" else {})
        for path, text in sources.items()
    ]
    return answer(
        {
            **_listed(entry, publishing().activation_state()),
            "files": files,
            "activations": [asdict(one) for one in orders],
        }
    )


@blueprint.route("/activations")
@blueprint.response(200, ActivationListSchema, description="A page of orders.")
@blueprint.doc(
    operationId="activations",
    parameters=[_LIMIT, cursor_parameter(_SEQUENCE)],
    responses=problems.documented(*_READING),
)
@needs("publish", "operate", "audit")
def activations() -> Response:
    """Which bundle was ordered to be active, from when, by whom and why; newest order first.

    Active is the order with the greatest `effective_at`, then `sequence`, among those that hold.
    """
    asked = reading.query(request, "limit", "cursor")
    faults: list[Fault] = []
    limit, cursor = _limit(asked, faults), asked.get("cursor")
    if cursor is not None and re.fullmatch(_SEQUENCE, cursor) is None:
        faults.append(_no_cursor())
    if faults:
        raise InvalidInput(faults)
    found = publishing().bundles.activations(None if cursor is None else int(cursor), limit + 1)
    page: list[Activation] = found[:limit]
    more = str(page[-1].sequence) if len(found) > limit else None
    return answer({"activations": [asdict(one) for one in page], "next": more})


def _limit(asked: Mapping[str, str], faults: list[Fault]) -> int:
    text = asked.get("limit", str(_USUAL))
    if text.isascii() and text.isdigit() and len(text) <= 3 and 1 <= int(text) <= _MOST:
        return int(text)
    faults.append(fault("/limit", OUT_OF_RANGE, f"`limit` is a whole number from 1 to {_MOST}"))
    return _USUAL


def _no_cursor() -> Fault:
    return fault("/cursor", BAD_OPTION, "that is no cursor of this list", "`next` of the page before")


def _listed(entry: BundleEntry, state: ActivationState) -> dict[str, Any]:
    active = state.active
    return {
        "id": entry.id,
        "label": entry.label,
        "seen_at": entry.seen_at,
        "active": active is not None and active.bundle == entry.id,
        "published": active is not None and active.published == entry.id,
        "pending": [one.effective_at for one in imminent(state.pending) if entry.id in (one.bundle, one.published)],
    }


def checked(id_: str) -> str:
    """What may be the id of a bundle. Raises NotFound for what none has."""
    if _ID.fullmatch(id_) is None:
        raise _unknown(id_)
    return id_


def _unknown(id_: str) -> NotFound:
    return NotFound(f"there is no bundle `{id_[:80]}`")


# ---- activate


@blueprint.route("/bundles/<id>/activate", methods=["POST"], parameters=[ID_PARAMETER])
@blueprint.response(200, OrderedSchema, description="The order, and what it means for days judged already.")
@blueprint.doc(
    operationId="activateBundle",
    requestBody={
        "required": True,
        "content": {
            JSON: {
                "schema": ActivateSchema,
                "example": {"reason": "rules of April", "at": "2023-04-01T00:00:00+08:00"},
            }
        },
    },
    responses=problems.documented(problems.NOT_FOUND, *_WRITING),
)
@needs("publish")
def activate(id: str) -> Response:
    """Make a stored bundle the active one, now or at an instant.

    Every worker answers by it within POLICY_BUNDLE_REFRESH_MS and a compilation; a request sees one bundle. What is
    stopped stays stopped in it. It is not refused because of days that were judged by other rules: they are counted.
    """
    loaded = _loaded(_ACTIVATE)
    at = _instant(loaded.get("at", NOW))
    try:
        return answer(_ordered(_done(lambda: publishing().activate(checked(id), act(loaded["reason"]), at=at))))
    except UnknownBundle as error:
        raise _unknown(id) from error
    except BadInstant as error:
        raise InvalidInput([fault("/at", OUT_OF_RANGE, str(error))]) from error


@blueprint.route("/bundles/rollback", methods=["POST"])
@blueprint.response(200, OrderedSchema, description="The order, and what it means for days judged already.")
@blueprint.doc(
    operationId="rollbackBundle",
    requestBody={
        "required": True,
        "content": {JSON: {"schema": RollbackSchema, "example": {"reason": "the hours of row h10 are wrong"}}},
    },
    responses=problems.documented(problems.NOTHING_BEFORE, problems.NO_BUNDLE, *_WRITING),
)
@needs("publish")
def rollback() -> Response:
    """Activate now what was published before the present bundle.

    A second rollback comes back to the present one. What is stopped stays stopped.
    """
    loaded = _loaded(_ROLLBACK)
    try:
        return answer(_ordered(_done(lambda: publishing().rollback(act(loaded["reason"])))))
    except NothingBefore as error:
        raise Refused(problems.NOTHING_BEFORE, str(error)) from error


def _loaded(schema: ActivateSchema | RollbackSchema) -> dict[str, Any]:
    reading.query(request)
    found: Posted = reading.posted(request)
    loaded, faults = reading.loaded(schema, found)
    if faults:
        raise InvalidInput(faults)
    return loaded


def _done(operation: Callable[[], Done]) -> Done:
    try:
        return operation()
    except Busy as error:
        raise Refused(problems.BUSY, str(error)) from error


def _instant(text: str) -> datetime | None:
    return None if text == NOW else moment_of(text)


def _ordered(found: Ordered) -> dict[str, Any]:
    return {
        **asdict(found.order),
        "replaces": found.replaces,
        "touched": {"decisions": found.decisions, "policies": list(found.policies)},
        "warnings": list(warnings(found)),
    }


def warnings(found: Ordered) -> Iterable[str]:
    """What whoever gave an order should know."""
    if found.decisions:
        judged = "1 decision" if found.decisions == 1 else f"{found.decisions} decisions"
        yield (
            f"{judged} judged a day of which the bundle says something else; a period that has been decided on is "
            "ended, not edited"
        )
    if found.order.bundle != found.order.published:
        yield f"stops in force are merged: `{found.order.bundle}` evaluates"
