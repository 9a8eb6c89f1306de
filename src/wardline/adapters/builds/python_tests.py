"""Python tests, run against the installed bundle and not against the source beside them."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from wardline.adapters.builds import environment
from wardline.adapters.builds.bundle import contents
from wardline.adapters.builds.reports import MAX_REPORT, Counts, Coverage, lies_below, read_cobertura, read_junit
from wardline.adapters.builds.workbench import Halt, Shop, Workbench, commit_time
from wardline.adapters.process import Finished
from wardline.errors import InvalidInput, Unavailable
from wardline.pipelines.building import Report, Say, Stopped, Tested
from wardline.pipelines.spec import TestSpec

_XML = "application/xml"
_SOURCE_FOLDERS = ("src", "lib", "python")  # where layouts put packages that tests are told to import from
_KEPT = frozenset({"test", "tests", "testing"})  # packages by mistake in many a wheel; without them there is no test


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonTests:
    """Answers Tester."""

    shop: Shop

    def test(self, source: Path, bundle: Path, spec: TestSpec, *, work: Path, say: Say) -> Tested | Stopped:
        """See Tester. Test tools are installed beside the bundle; they cannot change a version that it brings."""
        bench = Workbench.at(work, self.shop, say=say, timeout=spec.timeout)
        try:
            return _Test(bench=bench, source=source.resolve(), bundle=bundle, spec=spec).run()
        except Halt as halt:
            return halt.stopped
        except OSError as error:
            raise Unavailable(f"cannot test in {work}: {error.strerror}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class _Test:
    bench: Workbench
    source: Path
    bundle: Path
    spec: TestSpec

    def run(self) -> Tested:
        environment.install(self.bundle, self._venv)
        self._provide_tools()
        shutil.copytree(self.source, self._tree, symlinks=True)
        self._hide_source()
        self._forget_reports()
        finished = self.bench.shell(self.spec.run, cwd=self._tree, venv=self._venv, epoch=self._epoch)
        if finished.timed_out:
            raise self.bench.halt("timed-out", "test.run", finished=finished)
        counts = self._counts(finished)
        coverage = self._coverage(finished)
        return Tested(
            executed=counts.executed,
            passed=counts.passed,
            failed=counts.failed,
            errored=counts.errored,
            skipped=counts.skipped,
            coverage_bp=None if coverage is None else coverage.covered_bp,
            exit_code=finished.exit_code,
            reports=tuple(self._report(name) for name in (self.spec.junit, self.spec.coverage) if name),
            output=self.bench.output,
        )

    @property
    def _venv(self) -> Path:
        return self.bench.work / "test-venv"

    @property
    def _tree(self) -> Path:
        return self.bench.work / "tree"  # the copy of the export that is tested in

    @property
    def _epoch(self) -> int:
        return commit_time(self.source)

    def _provide_tools(self) -> None:
        """Install the test tools, and make sure that everything the bundle brought is still as it brought it."""
        if not self.spec.requirements:
            return
        packages = contents(self.bundle).packages
        constraints = self.bench.work / "constraints.txt"
        constraints.write_text("".join(f"{package.name}=={package.version}\n" for package in packages))
        wanted = [argument for text in self.spec.requirements for argument in self._requirement(text)]
        arguments = ("install", "--prefer-binary", "--constraint", str(constraints), *wanted)
        finished = self.bench.pip(self._venv, *arguments, epoch=self._epoch)
        if not finished.succeeded:
            words = "test.requirements: pip could not install them beside the bundle, whose versions are fixed"
            raise self.bench.halt("test-tools", words, finished=finished, errored=True)
        if changed := environment.not_from_bundle(self._venv, packages):
            words = f"test.requirements: they replaced {', '.join(changed)} of the bundle; expected test tools only"
            raise self.bench.halt("bundle-replaced", words)

    def _requirement(self, text: str) -> tuple[str, ...]:
        """Return pip's arguments for one entry: a requirement, or `-r` and a file of the export."""
        option, _, name = text.partition(" ")
        if option in {"-r", "--requirement"}:
            file = (self.source / name.strip()).resolve()
            if not file.is_file() or not file.is_relative_to(self.source.resolve()):
                raise self.bench.halt("test-requirements", f"test.requirements: {name.strip()} is not in the commit")
            return ("--requirement", str(file))
        if text.startswith(("-", ".", "/")):
            words = f"test.requirements: {text!r} is no requirement; expected such as 'pytest>=9' or '-r file'"
            raise self.bench.halt("test-requirements", words)
        return (text,)

    def _importable(self) -> tuple[str, ...]:
        return environment.importable(self._venv, contents(self.bundle).name)

    def _hide_source(self) -> None:
        """Take what the bundle provides out of the copy, so that an import can only find what was installed."""
        names = [name for name in self._importable() if name not in _KEPT]
        for folder in (self._tree, *(self._tree / name for name in _SOURCE_FOLDERS)):
            for path in [folder / name for name in names]:
                shutil.rmtree(path, ignore_errors=True)
                path.with_name(f"{path.name}.py").unlink(missing_ok=True)
            for metadata in folder.glob("*.egg-info"):  # would pass for the installed one in the current folder
                shutil.rmtree(metadata, ignore_errors=True)

    def _forget_reports(self) -> None:
        """A report that was committed is not one of this run."""
        for name in (self.spec.junit, self.spec.coverage):
            if name:
                (self._tree / name).unlink(missing_ok=True)

    def _counts(self, finished: Finished) -> Counts:
        content = self._content(self.spec.junit, finished)
        try:
            counts = read_junit(content)
        except InvalidInput as error:
            raise self.bench.halt(
                "report-malformed", f"test.junit: {error.what}", finished=finished, errored=True
            ) from error
        if not counts.executed:
            words = f"test.run: no test was executed ({counts.skipped} skipped); nothing was shown"
            raise self.bench.halt("no-tests", words, finished=finished, errored=True)
        return counts

    def _coverage(self, finished: Finished) -> Coverage | None:
        if self.spec.coverage is None:
            return None
        content = self._content(self.spec.coverage, finished)
        try:
            coverage = read_cobertura(content)
        except InvalidInput as error:
            words = f"test.coverage: {error.what}"
            raise self.bench.halt("coverage-malformed", words, finished=finished, errored=True) from error
        if lies_below(self._tree, coverage):
            words = (
                f"test.coverage: {self.spec.coverage} measured files of the tests only, none of the installed bundle; "
                f"name what to measure: --cov={next(iter(self._importable()), 'PACKAGE')} instead of --cov"
            )
            raise self.bench.halt("coverage-elsewhere", words, finished=finished, errored=True)
        return coverage

    def _content(self, name: str, finished: Finished) -> bytes:
        """Return a report that the tests wrote, or say that they did not."""
        path = self._tree / name
        if not path.is_file() or not path.resolve().is_relative_to(self._tree.resolve()):
            words = f"test.run ended with exit code {finished.exit_code} and wrote no {name}"
            raise self.bench.halt("report-missing", words, finished=finished, errored=True)
        if path.stat().st_size > MAX_REPORT:
            words = f"{name} has {path.stat().st_size} bytes; expected at most {MAX_REPORT}"
            raise self.bench.halt("report-too-large", words, finished=finished, errored=True)
        return path.read_bytes()

    def _report(self, name: str) -> Report:
        redactor = self.bench.shop.redactor()
        content = (self._tree / name).read_bytes()
        return Report(media_type=_XML, content=redactor.feed(content) + redactor.finish())
