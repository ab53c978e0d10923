"""How the package is cut: packages, modules, arrows, the largest of each. `python -m tools.shape [CHECKOUT]`."""

import ast
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import median

PACKAGE = "policy_service"
MOST_LINES, LONG = 400, 30


def main(checkout: Path) -> None:
    root = checkout / PACKAGE
    texts = {path.relative_to(checkout): path.read_text(encoding="utf-8") for path in sorted(root.rglob("*.py"))}
    trees = {path: ast.parse(text) for path, text in texts.items()}
    lines = Counter({path: text.count("\n") for path, text in texts.items()})
    modules = Counter(path.parent for path in texts)
    arrows = {(path.parent, to) for path, tree in trees.items() for to in _imports(tree, checkout) if to != path.parent}
    functions = Counter({f"{path}:{name}": length for path, tree in trees.items() for name, length in _functions(tree)})
    print(
        f"{len(modules)} packages, {len(texts)} modules, {lines.total()} lines, {len(arrows)} arrows between packages"
    )
    print(f"modules in a package: median {median(modules.values()):.0f}, most {_most(modules)}")
    print(f"lines of a module: {sum(n > MOST_LINES for n in lines.values())} above {MOST_LINES}, most {_most(lines)}")
    over = sum(n > LONG for n in functions.values())
    print(
        f"lines of {len(functions)} functions: median {median(functions.values()):.0f}, {over} above {LONG}, ", end=""
    )
    print(f"most {_most(functions)}")


def _imports(tree: ast.Module, checkout: Path) -> Iterator[Path]:
    """The packages that a module imports from."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(PACKAGE):
            path = Path(*node.module.split("."))
            yield path if (checkout / path).is_dir() else path.parent


def _functions(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Name and lines of each function, methods too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{node.name}@{node.lineno}", (node.end_lineno or node.lineno) - node.lineno + 1


def _most(counts: Counter[Path] | Counter[str]) -> str:
    name, number = max(counts.items(), key=lambda item: item[1])
    return f"{number} ({name})"


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path())
