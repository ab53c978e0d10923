"""The kit's folders and the cases in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree  # the files of the kit, which nobody posts
from xml.etree.ElementTree import Element

from tests.conformance.tck.models import Model, read_model
from tests.conformance.tck.values import below, value_of

KIT = Path(__file__).parents[2] / "data" / "tck"


@dataclass(frozen=True)
class Expected:
    """What one decision of a case should come to; null also stands for a fault that is asked for."""

    id: str
    decision: str
    value: Any


@dataclass(frozen=True)
class Case:
    """A state and what is expected of it, by way of a decision service if one is named."""

    inputs: Mapping[str, Any]
    expected: tuple[Expected, ...]
    service: str = ""


@dataclass(frozen=True)
class Folder:
    name: str
    model: Model
    cases: tuple[Case, ...]


def folders(kit: Path = KIT) -> dict[str, Path]:
    """The folders of cases by name."""
    return {path.name: path for path in sorted(kit.glob("compliance-level-*/*")) if path.is_dir()}


def read(path: Path) -> Folder:
    (model,), (tests,) = path.glob("*.dmn"), path.glob("*.xml")
    root = ElementTree.parse(tests).getroot()  # noqa: S314  a file of the kit, kept here
    return Folder(path.name, read_model(model), tuple(_case(e) for e in below(root, "testCase")))


def _case(element: Element) -> Case:
    inputs = {node.get("name", ""): value_of(node) for node in below(element, "inputNode")}
    nodes = below(element, "resultNode")
    id_ = element.get("id", "")
    expected = tuple(_expected(id_ if len(nodes) == 1 else f"{id_}/{n.get('name')}", n) for n in nodes)
    return Case(inputs, expected, element.get("invocableName", "") if element.get("type") == "decisionService" else "")


def _expected(id_: str, node: Element) -> Expected:
    wanted = below(node, "expected")
    return Expected(id_, node.get("name", ""), value_of(wanted[0]) if wanted else None)
