"""GET /decisions/{id}: the case of a decision as a page, in zh or en."""

import re
from collections.abc import Callable
from typing import cast

from flask import Blueprint, Response, request

from policy_service.access.needs import any_of, marked
from policy_service.decisions.audit.auditing import Auditing
from policy_service.decisions.audit.casefile import CaseFile
from policy_service.decisions.explaining.words import Tongue
from policy_service.decisions.ports.records import NotFound, StoreUnavailable
from policy_service.diagnostics import InvalidInput, fault
from policy_service.diagnostics.catalogue import BAD_OPTION, UNKNOWN_KEY
from policy_service.pages.casepage import STYLE_SOURCE, case_page

_TONGUES = ("zh", "en")
_ID = re.compile("[0-9a-f-]{36}")
_HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src {STYLE_SOURCE}; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Vary": "Accept-Language",
}


def blueprint(auditing: Auditing | None) -> Blueprint:
    """The pages over what is recorded; null where nothing is."""
    made = Blueprint("console", __name__)

    @made.get("/decisions/<id>")
    @_for_auditors
    def case(id: str) -> Response:
        tongue = _tongue()
        if auditing is None:
            raise StoreUnavailable("nothing is recorded here")
        found = _found(auditing, id)
        page = case_page(found, tongue, linked=True)
        headers = {**_HEADERS, "Content-Language": tongue}
        return Response(page, content_type="text/html; charset=utf-8", headers=headers)

    return made


def _found(auditing: Auditing, id_: str) -> CaseFile:
    """The case of a decision. Raises NotFound."""
    if _ID.fullmatch(id_) is None:
        raise NotFound(f"there is no decision `{id_[:64]}`")
    return auditing.case(id_)


def _for_auditors(view: Callable[[str], Response]) -> Callable[[str], Response]:
    return marked(view, any_of("read", "audit"))


def _tongue() -> Tongue:
    """As `?lang=` says, else as the reader's program prefers, else zh. Raises InvalidInput for any other query."""
    faults = [
        fault(f"/{name}", UNKNOWN_KEY, f"there is no parameter `{name[:64]}` here", "known are lang")
        for name in request.args
        if name != "lang"
    ]
    given = request.args.getlist("lang")
    if len(given) > 1 or (given and given[0] not in _TONGUES):
        faults.append(fault("/lang", BAD_OPTION, "`lang` is zh or en"))
    if faults:
        raise InvalidInput(faults)
    found = given[0] if given else request.accept_languages.best_match(_TONGUES, default="zh")
    return cast(Tongue, found)
