"""What `wardline init` works with: a repository, and something that runs its tests once."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from wardline.adapters.git.git import Git
from wardline.adapters.git.working_tree import WorkingTree, root_of
from wardline.clock import SystemClock
from wardline.delivery.initialise import Measure, Repository, measuring
from wardline.findings.redactor import StreamingRedactor
from wardline.pipelines.building import Say
from wardline.settings import Settings


@contextmanager
def open_initialisation(settings: Settings, path: Path, *, say: Say) -> Iterator[tuple[Repository, Measure]]:
    """Yield the repository around `path`, as its last commit has it, and what runs its tests once."""
    from wardline.adapters.builds.python_bundle import PythonBundles
    from wardline.adapters.builds.python_tests import PythonTests
    from wardline.adapters.builds.workbench import Shop

    root, git = root_of(path), Git(settings.environ)
    commit = git.resolve(root, "HEAD")
    shop = Shop(environ=settings.environ, cache=settings.home / "cache", redactor=StreamingRedactor)
    with TemporaryDirectory(prefix="wardline-init-") as scratch:
        export = Path(scratch) / "source"
        git.export(root, commit, export)
        builder, tester = PythonBundles(shop=shop, clock=SystemClock()), PythonTests(shop=shop)
        work = Path(scratch) / "work"
        yield WorkingTree(root=root, export=export), measuring(builder, tester, source=export, work=work, say=say)
