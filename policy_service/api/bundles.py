"""Bundles over HTTP: stored, shown, activated, rolled back, and their history."""

import re
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, TypeVar

from flask import Response, request
from flask_smorest import Blueprint

from policy_service.api import examples, links, problems, reading
from policy_service.api.access import needs
from policy_service.api.acting import act
from policy_service.api.answers import answer
from policy_service.api.bodies import Content, takes
from policy_service.api.parameters import cursor_parameter, limit_parameter
from policy_service.api.reading import JSON
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
from policy_service.api.shared import publishing, settings
from policy_service.decisions.answers.days import moment_of
from policy_service.decisions.bundles.evaluators import UnknownBundle
from policy_service.decisions.bundles.results import BadInstant, BundleInvalid, Uploaded, listed
from policy_service.decisions.ports.activations import Activation, BundleEntry
from policy_service.decisions.ports.records import NotFound
from policy_service.diagnostics import Diagnostic, Fault, InvalidInput, escape, fault
from policy_service.diagnostics.catalogue import FOLDER, OUT_OF_RANGE, WRONG_TYPE
from policy_service.policies.packing import Limits, NotUnpacked, accepted, unpack
from policy_service.problems import kinds
from policy_service.problems.refused import Refused
from policy_service.requests.posted import parse
from policy_service.requests.reading import read
from policy_service.requests.schemas import BUNDLE_ID

ZIP = "application/zip"
blueprint = Blueprint("bundles", __name__, url_prefix="/v1", description="Rules: stored, activated, taken back")
_FOLDER = "rules"
_ID = re.compile(BUNDLE_ID)
_SEQUENCE = "[1-9][0-9]{0,17}"
_PLACE = f"([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T[0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}[.][0-9]{{3}}Z)~({BUNDLE_ID})"
"""A place in the list of bundles: when one was first stored, and its id."""
_MOST, _USUAL = 100, 20
_ORDERS_SHOWN = 100
_NO_CURSOR = ("that is no cursor of this list", "`next` of the page before")
Done = TypeVar("Done")
ID_PARAMETER = {
    "in": "path",
    "name": "id",
    "required": True,
    "schema": {"type": "string", "pattern": f"^{BUNDLE_ID}$"},
    "example": examples.BUNDLE,
}


_LIMIT = limit_parameter("The most that a page has.", most=_MOST, usual=_USUAL)


# ---- store


def _zip_or_json(schema: type[BundleUploadSchema]) -> Content:
    return {
        ZIP: {"schema": {"type": "string", "format": "binary", "description": "A zip of the rules folder."}},
        JSON: {"schema": schema, "example": {"files": examples.SOURCES, "label": "spring"}},
    }


def _files_posted(schema: BundleUploadSchema) -> tuple[dict[str, str], str | None]:
    """The rule files of the request, and the label it gives them."""
    reading.query(request)
    known = settings()
    limits = Limits(unpacked=known.max_bundle_unpacked)
    reading.check_type(request, ZIP, JSON)
    data = reading.whole(request, known.max_bundle)
    try:
        if request.mimetype == ZIP:
            return unpack(data, limits), None
        _, values, faults = read(schema, parse(data, known.max_depth))
        files: Mapping[str, Any] = values.get("files", {})
        faults += [
            fault(_pointer(path), WRONG_TYPE, "a text is needed")
            for path, text in files.items()
            if not isinstance(text, str)
        ]
        if faults:
            raise InvalidInput(faults)
        return accepted(files, limits), values.get("label")
    except NotUnpacked as error:
        faults = [
            fault("" if one.path is None else _pointer(one.path), FOLDER, one.message, one.hint) for one in error.faults
        ]
        raise Refused(kinds.BUNDLE_INVALID, _counted(len(faults)), faults) from error


@blueprint.route("/bundles", methods=["POST"])
@blueprint.response(200, UploadedSchema, description="It was stored before; the label of that time stays.")
@blueprint.response(201, UploadedSchema, description="It is stored.")
@takes(BundleUploadSchema, content=_zip_or_json, reader=_files_posted)
@blueprint.doc(
    operationId="uploadBundle",
    responses={200: {"links": links.OF_A_BUNDLE}, 201: {"links": links.OF_A_BUNDLE}}
    | problems.of_body(kinds.BUNDLE_INVALID, kinds.BUNDLE_TOO_COSTLY, kinds.BAD_REQUEST, kinds.BUSY),
)
@needs("publish")
def upload(body: tuple[dict[str, str], str | None]) -> Response:
    """Store a rules folder.

    It is checked as `policyctl check` does: rules, cases, and whether the engine can hold them. Every error of every
    file is told at once, and then nothing is stored. A stored bundle can be previewed; it decides once it is activated.
    A worker checks one bundle at a time, in a process of its own.
    """
    sources, label = body
    try:
        found = publishing().upload(sources, act(), label=label)
    except BundleInvalid as error:
        faults = [_located(one) for one in sorted(error.diagnostics, key=lambda d: d.severity != "error")]
        raise Refused(kinds.BUNDLE_INVALID, _counted(error.errors), faults) from error
    return answer(_uploaded(found), 201 if found.new else 200)


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
@blueprint.doc(operationId="bundles", parameters=[_LIMIT, cursor_parameter(_PLACE)], responses=problems.of_route())
@needs("publish")
def bundles() -> Response:
    """Stored bundles, newest first, and which of them answer now or later."""
    params = reading.query(request, "limit", "cursor")
    limit, cursor = params.limit(most=_MOST, usual=_USUAL), params.matching("cursor", _PLACE, *_NO_CURSOR)
    params.check()
    stored = sorted(publishing().bundles.bundles(), key=_place, reverse=True)
    if cursor is not None:
        seen_at, _, id_ = cursor.partition("~")
        stored = [one for one in stored if _place(one) < (seen_at, id_)]
    state = publishing().activation_state()
    page = stored[:limit]
    more = "~".join(_place(page[-1])) if limit < len(stored) else None
    return answer({"bundles": [listed(one, state) for one in page], "next": more})


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
    responses=problems.of_route(kinds.NOT_FOUND),
)
@needs("publish")
def bundle(id: str) -> Response:
    """A stored bundle: its files, and the orders that named it."""
    params = reading.query(request, "sources")
    with_texts = params.flag("sources")
    params.check()
    store = publishing().bundles
    entry, sources = store.bundle(checked(id)), store.sources(id)
    if entry is None or sources is None:
        raise _unknown(id)
    orders = [one for one in store.activations() if id in (one.bundle, one.published)][:_ORDERS_SHOWN]
    files = [
        {"path": path, "bytes": len(text.encode())} | ({"text": text} if with_texts else {})
        for path, text in sources.items()
    ]
    found = listed(entry, publishing().activation_state())
    return answer({**found, "files": files, "activations": [asdict(one) for one in orders]})


@blueprint.route("/activations")
@blueprint.response(200, ActivationListSchema, description="A page of orders.")
@blueprint.doc(
    operationId="activations",
    parameters=[_LIMIT, cursor_parameter(_SEQUENCE)],
    responses=problems.of_route(),
)
@needs("publish", "operate", "audit")
def activations() -> Response:
    """Which bundle was ordered to be active, from when, by whom and why; newest order first.

    Active is the order with the greatest `effective_at`, then `sequence`, among those that hold.
    """
    params = reading.query(request, "limit", "cursor")
    limit, cursor = params.limit(most=_MOST, usual=_USUAL), params.matching("cursor", _SEQUENCE, *_NO_CURSOR)
    params.check()
    found = publishing().bundles.activations(None if cursor is None else int(cursor), limit + 1)
    page: list[Activation] = found[:limit]
    more = str(page[-1].sequence) if len(found) > limit else None
    return answer({"activations": [asdict(one) for one in page], "next": more})


def _place(one: BundleEntry) -> tuple[str, str]:
    """Where a bundle stands in the list."""
    return one.seen_at, one.id


def checked(id_: str) -> str:
    """The id in a path. Raises NotFound where it has not the form of one."""
    if _ID.fullmatch(id_) is None:
        raise _unknown(id_)
    return id_


def _unknown(id_: str) -> NotFound:
    return NotFound(f"there is no bundle `{id_[:80]}`")


# ---- activate


@blueprint.route("/bundles/<id>/activate", methods=["POST"], parameters=[ID_PARAMETER])
@blueprint.response(200, OrderedSchema, description="The order, and what it means for days judged already.")
@takes(ActivateSchema, {"reason": "rules of April", "at": "2023-04-01T00:00:00+08:00"})
@blueprint.doc(
    operationId="activateBundle",
    responses=problems.of_body(kinds.NOT_FOUND, kinds.BAD_REQUEST, kinds.BUSY),
)
@needs("publish")
def activate(id: str, body: dict[str, Any]) -> Response:
    """Make a stored bundle the active one, now or at an instant.

    Every worker answers by it within POLICY_BUNDLE_REFRESH_MS and a compilation; a request sees one bundle. What is
    stopped stays stopped in it. It is not refused because of days that were judged by other rules: they are counted.
    """
    at = _instant(body.get("at", NOW))
    try:
        return answer(publishing().activate(checked(id), act(body["reason"]), at=at).json)
    except UnknownBundle as error:
        raise _unknown(id) from error
    except BadInstant as error:
        raise InvalidInput([fault("/at", OUT_OF_RANGE, str(error))]) from error


@blueprint.route("/bundles/rollback", methods=["POST"])
@blueprint.response(200, OrderedSchema, description="The order, and what it means for days judged already.")
@takes(RollbackSchema, {"reason": "the hours of row h10 are wrong"})
@blueprint.doc(
    operationId="rollbackBundle",
    responses=problems.of_body(kinds.NOTHING_BEFORE, kinds.NO_BUNDLE, kinds.BAD_REQUEST, kinds.BUSY),
)
@needs("publish")
def rollback(body: dict[str, Any]) -> Response:
    """Activate now what was published before the present bundle.

    A second rollback comes back to the present one. What is stopped stays stopped.
    """
    return answer(publishing().rollback(act(body["reason"])).json)


def _instant(text: str) -> datetime | None:
    return None if text == NOW else moment_of(text)
