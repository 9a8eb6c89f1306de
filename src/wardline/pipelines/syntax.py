"""Python sources as syntax trees: read, never imported."""

import ast
import warnings


def read_tree(text: str) -> ast.Module | None:
    """Return the syntax tree of `text`, or None where this Python cannot read it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an odd escape in somebody's source is not our warning
        try:
            return ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def literal(node: ast.expr, tree: ast.Module) -> object | None:
    """Return the value of a literal, or of a module's name that is given one; None where it is computed."""
    if isinstance(node, ast.Name):
        return next(iter(assigned(tree, node.id)), None)
    try:
        value: object = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None
    return value


def assigned(tree: ast.Module, name: str) -> list[object]:
    """Return every literal that is assigned to `name` anywhere in the module, in order."""
    found: list[object] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in node.targets):
            try:
                found.append(ast.literal_eval(node.value))
            except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
                continue
    return found


def dotted(node: ast.expr) -> str:
    """Return `a.b.c` for the name or attribute that `node` is, and nothing for anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join(reversed([*parts, node.id])) if isinstance(node, ast.Name) else ""


def imported(tree: ast.Module, module: str) -> dict[str, str]:
    """Return what each imported name of `module` stands for: `Flask` → `flask.Flask`; relative imports made whole.

    `module` is a package's own name for its `__init__`, with `.__init__` behind it.
    """
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {
                a.asname or a.name.partition(".")[0]: a.name if a.asname else a.name.partition(".")[0]
                for a in node.names
            }
        if isinstance(node, ast.ImportFrom):
            above = module.split(".")[: -node.level] if node.level else []
            source = ".".join([*above, *([node.module] if node.module else [])])
            found |= {a.asname or a.name: f"{source}.{a.name}" for a in node.names}
    return found


def texts(tree: ast.AST) -> set[str]:
    """Return every text constant below `tree`."""
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
