"""Bundles of rule folders, as they are and with a text replaced."""

from pathlib import Path

from policy_service.policies.bundle import Bundle, bundle, load_folder


def loaded(folder: Path) -> Bundle:
    """The bundle of a folder, which has no error."""
    found, diagnostics, _ = load_folder(folder)
    assert found is not None, diagnostics
    return found


def edited(of: Bundle, path: str, *replacements: tuple[str, str]) -> Bundle:
    """A bundle with texts replaced that each stand once in a file."""
    text = of.sources[path]
    for old, new in replacements:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    found, diagnostics = bundle({**of.sources, path: text})
    assert found is not None, diagnostics
    return found
