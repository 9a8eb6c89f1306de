"""Python services: their own wheel by their own command, then every dependency, closed into one bundle."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from wardline.adapters.builds import environment
from wardline.adapters.builds.bundle import pack
from wardline.adapters.builds.lock import unpinned
from wardline.adapters.builds.wheels import Wheel, missing
from wardline.adapters.builds.workbench import Halt, Shop, Workbench, commit_time
from wardline.changes.artifacts import Artifact
from wardline.clock import Clock
from wardline.errors import InvalidInput, Unavailable
from wardline.pipelines.building import Built, Say, Stopped
from wardline.pipelines.spec import BuildSpec

# 1980-01-01, the first time a zip file can hold: a dependency built from sources today is the same one next month.
_EPOCH_OF_DEPENDENCIES: Final = 315_532_800


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonBundles:
    """Answers Builder. Bundles are made for, and installed with, the interpreter that Wardline runs on."""

    shop: Shop
    clock: Clock

    def build(self, source: Path, spec: BuildSpec, *, work: Path, say: Say) -> Built | Stopped:
        """See Builder. `source` is copied first: what a build leaves behind must not be scanned as source."""
        started_at = self.clock.now()
        bench = Workbench.at(work, self.shop, say=say, timeout=spec.timeout)
        try:
            artifact, bundle = _Build(bench=bench, source=source.resolve(), spec=spec).make()
        except Halt as halt:
            return halt.stopped
        except OSError as error:
            raise Unavailable(f"cannot build in {work}: {error.strerror}") from error
        return Built(
            artifact=artifact,
            bundle=bundle,
            locked=spec.lock is not None,
            started_at=started_at,
            finished_at=self.clock.now(),
            output=bench.output,
        )

    def install(self, bundle: Path, into: Path) -> None:
        """See Builder."""
        environment.install(bundle, into)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Build:
    bench: Workbench
    source: Path
    spec: BuildSpec

    def make(self) -> tuple[Artifact, Path]:
        """Build the service's own wheel, fetch what it needs, close the bundle.

        Raises:
            Halt: Something is wrong with the change, or could not be told.
        """
        if self.spec.lock is not None:
            self._refuse_open(self.spec.lock)
        own = self._own_wheel()
        self._fetch(own)
        return self._close(own)

    @property
    def _tree(self) -> Path:
        return self.bench.work / "tree"  # the copy of the export that is built in

    @property
    def _wheels(self) -> Path:
        return self.bench.work / "wheels"

    def _refuse_open(self, lock: str) -> None:
        try:
            text = (self.source / lock).read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise self.bench.halt("lock-not-found", f"build.lock: {lock} is not in the commit, or no text") from error
        if problems := unpinned(text, name=lock):
            raise self.bench.halt("dependency-without-hash", "\n".join(problems))

    def _own_wheel(self) -> Wheel:
        """Run the build command and return the one wheel it made."""
        shutil.copytree(self.source, self._tree, symlinks=True)
        for old in filter(Path.is_file, self._matches()):
            old.unlink()  # committed by mistake: only what this build makes may be shipped
        venv = self._environment()
        finished = self.bench.shell(self.spec.run, cwd=self._tree, venv=venv, epoch=commit_time(self.source))
        if not finished.succeeded:
            words = f"build.run: the command ended with exit code {finished.exit_code}"
            raise self.bench.halt("build-failed", words, finished=finished)
        own = self._read(self._only_match())
        self._refuse_unknown_extras(own)
        return own

    def _environment(self) -> Path:
        """Return a fresh environment with pip and the tools that the build command needs."""
        venv = self.bench.work / "build-venv"
        environment.empty(venv)
        environment.provide_pip(venv)
        if self.spec.requirements:
            finished = self.bench.pip(venv, "install", "--", *self.spec.requirements, epoch=_EPOCH_OF_DEPENDENCIES)
            if not finished.succeeded:
                words = "build.requirements: pip could not install them"
                raise self.bench.halt("build-tools", words, finished=finished, errored=True)
        return venv

    def _refuse_unknown_extras(self, own: Wheel) -> None:
        """Say what pip would only warn of."""
        unknown = [extra for extra in self.spec.extras if canonicalize_name(extra) not in own.extras]
        if unknown:
            service = f"{own.package.name} {own.package.version}"
            has = f"expected one of {', '.join(own.extras)}" if own.extras else "it has none"
            raise self.bench.halt("extra-unknown", f"build.extras: {service} has no extra {unknown[0]}; {has}")

    def _matches(self) -> list[Path]:
        return sorted(self._tree.glob(self.spec.artifact))

    def _only_match(self) -> Path:
        """Return the one file that build.artifact names."""
        pattern, found = self.spec.artifact, self._matches()
        if not found:
            raise self.bench.halt(
                "artifact-not-found", f"build.artifact: nothing matches {pattern}; expected one wheel"
            )
        if len(found) > 1:
            names = ", ".join(path.name for path in found[:5])
            words = f"build.artifact: {pattern} matches {len(found)} files ({names}); expected one wheel"
            raise self.bench.halt("artifact-ambiguous", words)
        inside = found[0].resolve().is_relative_to(self._tree.resolve())
        if found[0].is_symlink() or not found[0].is_file() or not inside:
            words = f"build.artifact: {found[0].name} is no plain file below the repository; expected a wheel"
            raise self.bench.halt("artifact-outside", words)
        return found[0]

    def _read(self, path: Path) -> Wheel:
        try:
            return Wheel.read(path)
        except InvalidInput as error:
            raise self.bench.halt("artifact-invalid", error.what) from error

    def _fetch(self, own: Wheel) -> None:
        """Fill the folder of wheels with `own` and all that it needs."""
        resolver = self.bench.work / "resolve-venv"
        environment.empty(resolver)
        self._wheels.mkdir()
        if self.spec.lock is None:
            extras = f"[{','.join(self.spec.extras)}]" if self.spec.extras else ""
            wanted = (f"{own.path}{extras}", *self.spec.with_packages)
            options = ("--prefer-binary", "--", *wanted)
        else:
            shutil.copy2(own.path, self._wheels)
            options = ("--require-hashes", "--no-deps", "--requirement", str(self.source / self.spec.lock))
        arguments = ("wheel", "--wheel-dir", str(self._wheels), *options)
        finished = self.bench.pip(resolver, *arguments, epoch=_EPOCH_OF_DEPENDENCIES)
        if not finished.succeeded:
            words = "the dependencies could not be resolved and fetched: pip says why"
            raise self.bench.halt("dependencies-unresolved", words, finished=finished, errored=True)

    def _close(self, own: Wheel) -> tuple[Artifact, Path]:
        wheels = [self._read(path) for path in sorted(self._wheels.glob("*.whl"))]
        if lacking := missing(wheels, self._wanted(own)):
            words = f"build.lock: the lock lacks {', '.join(lacking)}, which what is in it needs"
            raise self.bench.halt("lock-incomplete", words)
        bundle = self.bench.work / f"{own.package.name}-{own.package.version}.bundle"
        try:
            return pack(wheels, bundle, service=own), bundle
        except InvalidInput as error:
            raise self.bench.halt("dependencies-ambiguous", error.what) from error

    def _wanted(self, own: Wheel) -> list[Requirement]:
        extras = f"[{','.join(self.spec.extras)}]" if self.spec.extras else ""
        try:
            beside = [Requirement(text) for text in self.spec.with_packages]
        except InvalidRequirement as error:
            raise self.bench.halt("with-invalid", f"build.with: {error}") from error
        return [Requirement(f"{own.package.name}{extras}"), *beside]
