"""What an engine cannot hold."""

from dataclasses import replace

from policy_service.diagnostics import Diagnostic


class EngineRefused(Exception):
    """A bundle without an error goes beyond an engine; the diagnostic has code, place and remedy."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(f"{diagnostic.code.code} {diagnostic.code.name}: {diagnostic.message}")
        self.diagnostic = diagnostic

    def on(self, days: str) -> "EngineRefused":
        """The refusal, saying on which days."""
        return EngineRefused(replace(self.diagnostic, message=f"{self.diagnostic.message} ({days})"))
