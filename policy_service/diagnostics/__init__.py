"""Everything we tell a person about a fault."""

from policy_service.diagnostics.catalogue import Code
from policy_service.diagnostics.diagnostic import Diagnostic, PolicyError, Report
from policy_service.diagnostics.fault import Fault, InvalidInput, escape, fault
from policy_service.diagnostics.location import NOWHERE, Lines, Mapped, Origin, Span, plain
from policy_service.diagnostics.render import as_json, render, render_all

__all__ = [
    "NOWHERE",
    "Code",
    "Diagnostic",
    "Fault",
    "InvalidInput",
    "Lines",
    "Mapped",
    "Origin",
    "PolicyError",
    "Report",
    "Span",
    "as_json",
    "escape",
    "fault",
    "plain",
    "render",
    "render_all",
]
