"""One fault in something posted: a pointer into the body instead of a place in a file."""

from dataclasses import dataclass

from policy_service.diagnostics.catalogue import Code


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """What is wrong with a value of a request; `pointer` is RFC 6901."""

    pointer: str
    code: str
    message: str
    hint: str | None = None


class InvalidInput(Exception):
    """Raised with every fault of what was posted; nothing was evaluated."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("; ".join(f"{f.pointer or '/'}: {f.message}" for f in faults))
        self.faults = sorted(set(faults), key=lambda f: (f.pointer, f.code, f.message))


def fault(pointer: str, code: Code, message: str, hint: str | None = None) -> Fault:
    return Fault(pointer, code.code, message, hint)


def escape(key: str) -> str:
    """A key as a step of a JSON pointer."""
    return key.replace("~", "~0").replace("/", "~1")
