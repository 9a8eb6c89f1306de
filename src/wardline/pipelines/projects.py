"""What a Python project says of itself: pyproject.toml (PEP 621, PEP 735, Poetry), setup.cfg, setup.py, requirements.

Nothing is imported or run: setup.py is read as a syntax tree, and what it computes stays unknown.
"""

import ast
import configparser
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from wardline.errors import InvalidInput
from wardline.pipelines.syntax import dotted, literal, read_tree

_REQUIREMENT_FILES = re.compile(
    r"(?:reqs|requirements)[^/]*\.(?:txt|lock)|requirements/[^/]+\.txt|[^/]+requirements\.txt"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """Requirements are kept as they are written; `sources` names the files that were understood."""

    name: str | None = None
    sources: tuple[str, ...] = ()
    dependencies: tuple[str, ...] = ()
    extras: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # and the dependency groups, which win
    scripts: Mapping[str, str] = field(default_factory=dict)  # console script → "module:function"
    requirement_files: Mapping[str, str] = field(default_factory=dict)  # path → text
    builds: bool = False  # it has what pip needs to make a wheel

    def depends_on(self, package: str) -> bool:
        return any(package_of(text) == package for text in self.dependencies)


def read_project(files: Mapping[str, str]) -> Project:
    """Return what the files at the root of a repository say about the project.

    Raises:
        InvalidInput: pyproject.toml is not TOML.
    """
    requirement_files = {name: text for name, text in sorted(files.items()) if _REQUIREMENT_FILES.fullmatch(name)}
    told = [p for p in (_pyproject(files), _setup_cfg(files), _setup_py(files)) if p is not None]
    listed = specifiers(requirement_files.get("requirements.txt", ""))
    return Project(
        name=next((p.name for p in told if p.name), None),
        sources=tuple(source for p in told for source in p.sources),
        dependencies=tuple(dict.fromkeys([d for p in told for d in p.dependencies] or listed)),
        extras={name: found for p in reversed(told) for name, found in p.extras.items()},
        scripts={name: found for p in reversed(told) for name, found in p.scripts.items()},
        requirement_files=requirement_files,
        builds=any(p.builds for p in told),
    )


def specifiers(text: str) -> tuple[str, ...]:
    """Return the requirements of a requirements file, without options, paths and URLs."""
    return tuple(line for line in _entries(text) if package_of(line) is not None)


def is_plain(text: str) -> bool:
    """Return whether a requirements file names packages only: no path, no URL, no other file, no editable install."""
    return all(package_of(line) is not None for line in _entries(text))


def _entries(text: str) -> list[str]:
    """Return the lines of a requirements file, joined where they go on, without comments and hashes."""
    lines = re.sub(r"\\\r?\n", " ", text).splitlines()
    return [line for line in (re.split(r"(?:^|\s)#|\s--hash=", line)[0].strip() for line in lines) if line]


def is_locked(text: str) -> bool:
    """Return whether every requirement of a requirements file carries a sha256 hash."""
    lines = [line.strip() for line in re.sub(r"\\\r?\n", " ", text).splitlines()]
    return bool(_entries(text)) and all("--hash=sha256:" in line for line in lines if line and line[0] != "#")


def package_of(text: str) -> str | None:
    """Return the normalised name of the package that a requirement names; None for paths, URLs and anything else."""
    try:
        found = Requirement(text)
    except (InvalidRequirement, RecursionError):
        return None
    return None if found.url else canonicalize_name(found.name)


def _pyproject(files: Mapping[str, str]) -> Project | None:
    if "pyproject.toml" not in files:
        return None
    try:
        document = tomllib.loads(files["pyproject.toml"])
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InvalidInput(
            f"pyproject.toml is not TOML: {str(error)[:200]}", remedy="Correct it; pip needs it too."
        ) from error
    project, poetry = _table(document, "project"), _table(document, "tool", "poetry")
    groups = _table(document, "dependency-groups")
    return Project(
        name=_text(project.get("name")) or _text(poetry.get("name")),
        sources=("pyproject.toml",),
        dependencies=_texts(project.get("dependencies")) or _poetry_names(_table(poetry, "dependencies")),
        extras={
            **{name: _poetry_names(_table(poetry, "group", name, "dependencies")) for name in _table(poetry, "group")},
            **{name: _texts(found) for name, found in _table(project, "optional-dependencies").items()},
            **{name: _group(groups, name) for name in groups},
        },
        scripts=_pairs(_table(project, "scripts") or _table(poetry, "scripts")),
        builds=bool(project or poetry or "build-system" in document),
    )


def _group(groups: Mapping[str, object], name: str, depth: int = 0) -> tuple[str, ...]:
    """Return the requirements of a dependency group with those it includes (PEP 735)."""
    found: list[str] = []
    entries = groups.get(name)
    for entry in entries if isinstance(entries, list) else ():
        included = entry.get("include-group") if isinstance(entry, dict) else None
        if isinstance(entry, str):
            found.append(entry)
        elif isinstance(included, str) and depth < 10:  # noqa: PLR2004  # a cycle is the user's mistake, not our loop
            found.extend(_group(groups, included, depth + 1))
    return tuple(found)


def _poetry_names(table: Mapping[str, object]) -> tuple[str, ...]:
    # Versions are left out: ^1.2 is no requirement that pip knows.
    return tuple(name for name in table if name != "python" and package_of(name) is not None)


def _setup_cfg(files: Mapping[str, str]) -> Project | None:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(files.get("setup.cfg", ""))
    except configparser.Error:
        return None
    if not (parser.has_section("metadata") or parser.has_section("options")):
        return None
    extras = parser["options.extras_require"] if parser.has_section("options.extras_require") else {}
    scripts = parser.get("options.entry_points", "console_scripts", fallback="")
    return Project(
        name=parser.get("metadata", "name", fallback=None),
        sources=("setup.cfg",),
        dependencies=specifiers(parser.get("options", "install_requires", fallback="")),
        extras={name: specifiers(text) for name, text in extras.items()},
        scripts=dict(_script_lines(scripts.splitlines())),
        builds="setup.py" in files or "pyproject.toml" in files,
    )


def _setup_py(files: Mapping[str, str]) -> Project | None:
    tree = read_tree(files.get("setup.py", ""))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)] if tree and tree.body else []
    call = next((c for c in calls if dotted(c.func) in {"setup", "setuptools.setup"}), None)
    if tree is None or call is None:
        return None
    given = {k.arg: literal(k.value, tree) for k in call.keywords if k.arg}
    entry_points = _table(given, "entry_points")
    scripts = entry_points.get("console_scripts")
    return Project(
        name=_text(given.get("name")),
        sources=("setup.py",),
        dependencies=_texts(given.get("install_requires")),
        extras={
            "test": _texts(given.get("tests_require")),
            **{name: _texts(found) for name, found in _table(given, "extras_require").items()},
        },
        scripts=dict(_script_lines(scripts.splitlines() if isinstance(scripts, str) else _texts(scripts))),
        builds=True,
    )


def _script_lines(lines: tuple[str, ...] | list[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        name, sign, target = line.partition("=")
        if sign and name.strip():
            yield name.strip(), target.strip()


def _table(value: object, *path: str) -> Mapping[str, object]:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return {k: v for k, v in value.items() if isinstance(k, str)} if isinstance(value, dict) else {}


def _pairs(table: Mapping[str, object]) -> dict[str, str]:
    return {name: value for name, value in table.items() if isinstance(value, str)}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _texts(value: object) -> tuple[str, ...]:
    return tuple(v for v in value if isinstance(v, str)) if isinstance(value, (list, tuple)) else ()
