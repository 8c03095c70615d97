"""Private constants that nothing reads. vulture, which finds the rest, leaves out every variable that begins with ``_``.

Run as ``python -m tools.unused_constants FOLDER...``: one line for each, and status 1 if there are any.
"""

import ast
import sys
from pathlib import Path


def assigned(tree: ast.Module) -> dict[str, int]:
    """The private names that a module assigns at its top, and their lines."""
    found: dict[str, int] = {}
    for node in tree.body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        for target in targets:
            if isinstance(target, ast.Name) and target.id.startswith("_") and not target.id.endswith("__"):
                found[target.id] = node.lineno
    return found


def read(tree: ast.Module) -> tuple[set[str], set[str]]:
    """The names that a module reads, and those that it imports from other modules."""
    names: set[str] = set()
    imported: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            names.add(node.id)
        elif isinstance(node, ast.ImportFrom):
            imported.update(alias.name for alias in node.names)
    return names, imported


def unused(folders: list[Path]) -> list[str]:
    """``path:line: name`` of each constant that neither its module nor another one reads."""
    constants: list[tuple[Path, str, int]] = []
    imported_somewhere: set[str] = set()
    reads: dict[Path, set[str]] = {}
    for folder in folders:
        for path in sorted(folder.rglob("*.py")):
            if "build" in path.relative_to(folder).parts:  # copies, which a build may be writing
                continue
            tree = ast.parse(path.read_text(encoding="utf-8"))
            constants += [(path, name, line) for name, line in assigned(tree).items()]
            reads[path], imported = read(tree)
            imported_somewhere |= imported
    return [
        f"{path}:{line}: {name}"
        for path, name, line in constants
        if name != "_" and name not in reads[path] and name not in imported_somewhere
    ]


def main() -> int:
    """Print what nothing reads."""
    found = unused([Path(folder) for folder in sys.argv[1:]])
    for line in found:
        print(f"{line} is never read")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
