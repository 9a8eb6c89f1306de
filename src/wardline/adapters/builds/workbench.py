"""What every step of a build or a test works with: a folder, scrubbed variables, and one masked log."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final, Self

from wardline.adapters.process import Command, Finished, Output, run, scrubbed, shell
from wardline.evidence.redaction import RedactorFactory
from wardline.pipelines.building import Say, Stopped

_FIRST_OF_ZIP: Final = 315_532_800  # 1980-01-01, the first time a zip file can hold
_PIP_MANNERS: Final = {
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_NO_INPUT": "1",
    "PIP_PROGRESS_BAR": "off",
    "PIP_NO_COLOR": "1",
    "PIP_ROOT_USER_ACTION": "ignore",
    "PIP_REQUIRE_VIRTUALENV": "0",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """What is the same for all work on this machine. `cache` holds what pip has fetched; it may be lost any time."""

    environ: Mapping[str, str]
    cache: Path
    redactor: RedactorFactory


class Halt(Exception):
    """Carries a `Stopped` from where work stops to the public method that returns it; never leaves this package."""

    def __init__(self, stopped: Stopped) -> None:
        super().__init__(stopped.code)
        self.stopped = stopped


@dataclass(frozen=True, slots=True, kw_only=True)
class Workbench:
    """One piece of work: its folder, and where its output goes."""

    shop: Shop
    work: Path
    say: Say
    timeout: timedelta  # of each command

    @classmethod
    def at(cls, work: Path, shop: Shop, *, say: Say, timeout: timedelta) -> Self:
        (work / "home").mkdir(parents=True, exist_ok=True)
        return cls(shop=shop, work=work.resolve(), say=say, timeout=timeout)

    @property
    def output(self) -> bytes:
        """All that was written so far, masked."""
        return self._log.read_bytes() if self._log.exists() else b""

    def shell(self, text: str, *, cwd: Path, venv: Path, epoch: int) -> Finished:
        """Run a command of the user's, with the programs of `venv` first on PATH."""
        extra = {"VIRTUAL_ENV": str(venv), "SOURCE_DATE_EPOCH": str(epoch)}
        self._tell(f"$ {text}")
        return self._run(shell(text), cwd=cwd, path=(venv / "bin",), extra=extra)

    def pip(self, venv: Path, *arguments: str, epoch: int) -> Finished:
        """Run Wardline's own pip on behalf of `venv`, which needs none itself."""
        command = (sys.executable, "-m", "pip", "--python", str(venv / "bin" / "python"), *arguments)
        self._tell(f"$ pip {' '.join(arguments)}")
        return self._run(command, cwd=self.work, path=(), extra={"SOURCE_DATE_EPOCH": str(epoch)})

    def halt(self, code: str, words: str, *, finished: Finished | None = None, errored: bool = False) -> "Halt":
        """Return why the work came to nothing; a command that ran out of time says nothing about the change."""
        timed_out = finished is not None and finished.timed_out
        return Halt(
            Stopped(
                code="timed-out" if timed_out else code,
                words=self._masked(f"{words}: not done after {self.timeout}" if timed_out else words),
                errored=errored or timed_out,
                exit_code=None if finished is None else finished.exit_code,
                output=self.output,
            )
        )

    @property
    def _log(self) -> Path:
        return self.work / "output.log"

    def _run(
        self, arguments: Sequence[str], *, cwd: Path, path: tuple[Path, ...], extra: Mapping[str, str]
    ) -> Finished:
        manners = _PIP_MANNERS | {"PIP_CACHE_DIR": str(self.shop.cache / "pip")}
        env = scrubbed(self.shop.environ, home=self.work / "home", path=path, extra={**manners, **extra})
        command = Command(arguments=tuple(arguments), cwd=cwd, env=env, timeout=self.timeout)
        return run(command, Output(log=self._log, redactor=self.shop.redactor, on_line=self.say))

    def _tell(self, line: str) -> None:
        masked = self._masked(line)
        with self._log.open("a") as log:
            log.write(f"{masked}\n")
        self.say(masked)

    def _masked(self, text: str) -> str:
        redactor = self.shop.redactor()
        return (redactor.feed(text.encode(errors="replace")) + redactor.finish()).decode(errors="replace")


def commit_time(source: Path) -> int:
    """Return the time of an export's commit, in seconds since 1970: every file of an export is as old as that."""
    files = (path for path in source.rglob("*") if path.is_file() and not path.is_symlink())
    return max((int(path.stat().st_mtime) for path in files), default=_FIRST_OF_ZIP)
