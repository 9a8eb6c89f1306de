"""Taste in the tail: modules stay one idea long, classes stay small, names say what things are."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "wardline"
MODULES = sorted(SOURCE.rglob("*.py"))
MOST_LINES = 400
MOST_PUBLIC_METHODS = 10
EXCUSED_LINES: dict[str, str] = {}
EXCUSED_CLASSES = {
    "LocalTarget": "one object that a deployment sees from four sides; each side is a Protocol of its own",
    "SQLEvidenceLog": "what EvidenceLog asks of a log, and beside it what proves one: checkpoints and proofs",
    "Target": "the four sides of a target in one Protocol",
    "Home": "the composition root: what bootstrap opened, for the commands",
}
VAGUE = ("Manager", "Helper", "Service", "Handler", "Util", "Utils", "Base", "Impl", "Data", "Info")


def name(module: Path) -> str:
    return module.relative_to(SOURCE).as_posix()


def is_property(method: ast.FunctionDef) -> bool:
    return any(getattr(decorator, "id", "").endswith("property") for decorator in method.decorator_list)


@pytest.mark.parametrize("module", MODULES, ids=name)
def test_a_module_is_one_idea(module: Path) -> None:
    lines = len(module.read_text().splitlines())
    assert lines <= MOST_LINES or name(module) in EXCUSED_LINES


@pytest.mark.parametrize("module", MODULES, ids=name)
def test_classes_are_small_and_named_for_what_they_are(module: Path) -> None:
    for node in ast.walk(ast.parse(module.read_text())):
        if not isinstance(node, ast.ClassDef):
            continue
        public = [
            item
            for item in node.body
            if isinstance(item, ast.FunctionDef) and not item.name.startswith("_") and not is_property(item)
        ]
        assert len(public) <= MOST_PUBLIC_METHODS or node.name in EXCUSED_CLASSES, node.name
        assert not node.name.endswith(VAGUE), node.name


def test_no_module_is_a_drawer_for_everything() -> None:
    drawers = {"util", "utils", "helper", "helpers", "common", "misc", "manager", "managers"}
    assert not [name(module) for module in MODULES if module.stem in drawers]
