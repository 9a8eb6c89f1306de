"""What `wardline init` can tell about a service from its sources: one guess for each key, with its reason."""

import re
from collections.abc import Mapping

from wardline.pipelines.applications import Module, applications, packages, programs, read_modules, routes
from wardline.pipelines.guesses import Guess
from wardline.pipelines.parse import problem_with
from wardline.pipelines.projects import Project, is_locked, package_of, read_project, specifiers
from wardline.pipelines.start_commands import guess_health, guess_start
from wardline.pipelines.test_commands import guess_tests


def detect(files: Mapping[str, str], *, folder: str) -> tuple[Guess, ...]:
    """Return a guess for every key that `wardline init` writes, in the file's order.

    Args:
        files: Paths below the root of the repository, with `/`, and their text.
        folder: What the repository's folder is called, for a project without a name.

    Raises:
        InvalidInput: pyproject.toml is not TOML.
    """
    project = read_project(files)
    modules = read_modules(files)
    start = guess_start(project, modules, found=applications(modules), runnable=programs(modules))
    guesses = (
        _name(project, folder),
        Guess(key="service.owner", value=None, why="the team that answers for the service, such as revenue-cycle"),
        Guess(key="service.criticality", value=None,
              why="what stops when it stops: life-critical, clinical, clinical-support or administrative"),
        Guess(key="service.data", value=None, why="the data it touches: [phi], [pii], [phi, pii] or [none]"),
        Guess(key="regulations", value=(), why="the laws it answers to, such as [hipaa, gdpr]"),
        *_build(project),
        start.with_packages,
        _lock(project, start.with_packages),
        *guess_tests(files, project, packages(modules)),
        Guess(key="scan.paths", value=_shipped(modules), why="the sources that are shipped"),
        start.command,
        guess_health(routes(modules)),
    )  # fmt: skip
    return tuple(_usable(guess) for guess in guesses)


def _usable(guess: Guess) -> Guess:
    """Blank a guess that the parser would refuse: sources may say anything."""
    problem = problem_with(guess.key, guess.value) if guess.value else None
    return guess if problem is None else Guess(key=guess.key, value=None, why=f"what was found does not fit: {problem}")


def _name(project: Project, folder: str) -> Guess:
    given, why = (project.name, project.sources[0]) if project.name else (folder, "the folder's name")
    label = re.sub(r"[^a-z0-9]+", "-", given.lower()).strip("-0123456789")[:63].strip("-")
    if not label:
        return Guess(key="service.name", value=None, why="the service's name, in lower-case letters, digits and -")
    return Guess(key="service.name", value=label, why=f"from {why}" if project.name else why)


def _build(project: Project) -> tuple[Guess, ...]:
    artifact = Guess(key="build.artifact", value="dist/*.whl", why="written by the command above")
    if not project.builds:
        why = (
            "the command that makes a wheel in dist/; there is no pyproject.toml or setup.py that pip could build from"
        )
        return Guess(key="build.run", value=None, why=why), artifact
    run = "python -m pip wheel --no-deps --wheel-dir dist ."
    return Guess(key="build.run", value=run, why=f"pip builds from {' and '.join(project.sources)}"), artifact


def _lock(project: Project, beside: Guess) -> Guess:
    """Return a lock that holds all that is shipped: one that lacks the server would stop every build."""
    locks = {path: text for path, text in project.requirement_files.items() if is_locked(text)}
    wanted = set(beside.value) if isinstance(beside.value, tuple) else set()
    for path, text in locks.items():
        if wanted <= {package_of(entry) for entry in specifiers(text)}:
            return Guess(key="build.lock", value=path, why="every requirement in it carries a hash")
    why = (
        f"{next(iter(locks))} lacks {', '.join(sorted(wanted))}" if locks else "no file whose every line carries a hash"
    )
    return Guess(key="build.lock", value=(), why=why)


def _shipped(modules: tuple[Module, ...]) -> tuple[str, ...]:
    roots = dict.fromkeys(
        "/".join(m.path.split("/")[: 2 if m.path.startswith(("src/", "lib/")) else 1]) for m in modules
    )
    return tuple(roots) or (".",)
