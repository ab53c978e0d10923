"""The rule files of a folder as texts."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from policy_service.diagnostics import Lines, PolicyError, Report, Span
from policy_service.diagnostics.catalogue import FOLDER, YAML_SYNTAX
from policy_service.policies.packing import path_faults

FACTS, BUNDLE, CAMPAIGNS, TYPES = "facts.yaml", "bundle.yaml", "campaigns.yaml", "types.yaml"
FRAME = (FACTS, BUNDLE, CAMPAIGNS, TYPES)
"""Files that are no policies."""
Sources = Mapping[str, str]
"""Text of each file by its path inside the rules folder."""


def read_folder(folder: Path) -> dict[str, str]:
    """Every YAML file of a rules folder by its path inside it, sorted.

    Raises:
        PolicyError: P117, the folder or a file cannot be read, or has a name that no bundle can hold; P101, a file is
            not UTF-8. All such files at once.
    """
    report = Report()
    found: dict[str, str] = {}
    paths = {path.relative_to(folder).as_posix(): path for path in sorted(_yaml_files(folder, report))}
    for unfit in path_faults(paths):
        report.add(FOLDER, _whole(paths[unfit.path or ""]), unfit.message, hint=unfit.hint)
    for name, path in paths.items():
        try:
            found[name] = path.read_text("utf-8")
        except OSError as error:
            _unreadable(path, error, report)
        except UnicodeDecodeError as error:
            before = error.object[: error.start].decode("utf-8")
            place = Lines(_shown(path), before).span(len(before), len(before) + 1)
            report.add(
                YAML_SYNTAX,
                place,
                f"the file is not UTF-8: byte {error.object[error.start]:#04x}",
                hint="save it as UTF-8",
            )
    if report.has_errors:
        raise PolicyError(report)
    return found


def _yaml_files(folder: Path, report: Report) -> Iterator[Path]:
    if _shown(folder) != folder.as_posix():
        report.add(FOLDER, _whole(folder), "the name of the folder is not UTF-8", hint="rename it")
        return
    if not folder.is_dir():
        report.add(
            FOLDER, _whole(folder), "there is no such folder", hint="POLICY_RULES names the folder of rule files"
        )
        return
    for directory, folders, names in os.walk(folder, onerror=lambda e: _unreadable(Path(e.filename), e, report)):
        for path in sorted(Path(directory, name) for name in (*folders, *names)):
            fault = _unread(path)
            if fault is not None:
                report.add(FOLDER, _whole(path), fault[0], hint=fault[1])
            elif path.suffix == ".yaml" and path.is_file():
                yield path


def _unread(path: Path) -> tuple[str, str] | None:
    """Why something that looks like rules is not read, and what to do; None for all else."""
    if path.name.startswith(".#"):  # Emacs marks a file with unsaved changes by such a link, which leads nowhere
        return None
    is_yaml = path.suffix.lower() in (".yaml", ".yml")
    if path.is_symlink() and (is_yaml or path.is_dir()):
        return "a link is not followed", "put what it leads to in its place"
    if is_yaml and path.suffix != ".yaml" and path.is_file():
        return f"a `{path.suffix}` file is not read", f"name it `{path.stem}.yaml`"
    if is_yaml and not (path.is_file() or path.is_dir()):
        return "this is no file", "delete it, or put a file in its place"
    return None


def _unreadable(path: Path, error: OSError, report: Report) -> None:
    report.add(FOLDER, _whole(path), f"cannot be read: {(error.strerror or 'unknown reason').lower()}")


def _whole(path: Path) -> Span:
    return Span(_shown(path), 1, 1, 2)


def _shown(path: Path) -> str:
    """A path as a text; bytes that are no UTF-8 as `\\xff`."""
    return os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace")


def is_case_file(path: str) -> bool:
    return path.endswith(".test.yaml")


def check_sources(sources: Sources, folder: str = "rules") -> dict[str, str]:
    """Texts by the place that diagnostics name, for rendering."""
    return {f"{folder}/{path}": text for path, text in sources.items()}
