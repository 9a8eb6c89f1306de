"""The pages for outsiders, followed: each command of theirs is pasted in order, and must do what the page says.

What the reader brings is put in the place of the page's examples: the key, the run, today's year, a free port.
"""

import json
import os
import pty
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.e2e.installation import PROGRAM, Installation, repository
from tests.e2e.tiny import tiny

ROOT = Path(__file__).parents[2]
SECONDS = 300  # for one block of a page
YEAR = f"{datetime.now(tz=UTC):%Y}"  # what is recorded now must lie in the page's year

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


class Reader:
    """Somebody with a page, a folder and a terminal. A yes is typed wherever they are asked."""

    def __init__(self, page: str, folder: Path, **environ: str) -> None:
        folder.mkdir(exist_ok=True)
        self.blocks = re.findall(r"^```sh\n(.*?)^```$", (ROOT / "docs" / page).read_text(), re.MULTILINE | re.DOTALL)
        self.folder = folder
        self.environ = {name: text for name, text in os.environ.items() if not name.startswith("WARDLINE_")}
        self.environ |= {"PATH": f"{PROGRAM.parent}:{self.environ['PATH']}", "HOME": str(folder), **environ}

    def paste(self, beginning: str, **instead: str) -> str:
        """Paste the block that begins so, with `instead` of what the page has, and return what is seen."""
        (block,) = [each for each in self.blocks if each.startswith(beginning)]
        for name, text in instead.items():
            assert self.examples[name] in block, name
            block = block.replace(self.examples[name], text)
        # grep ends with 1 where there is nothing to be found, which is no mistake of the reader's.
        lines = [f"{line} || [ $? = 1 ]" if "| grep " in line else line for line in block.splitlines()]
        return self.types("\n".join(lines))

    def types(self, commands: str) -> str:
        terminal, its_end = pty.openpty()
        try:
            os.write(terminal, b"y\n" * 3)
            done = subprocess.run(
                ["/bin/bash", "-euo", "pipefail", "-c", commands],
                cwd=self.folder, env=self.environ, stdin=its_end, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                text=True, timeout=SECONDS, check=False,
            )  # fmt: skip
        finally:
            os.close(terminal)
            os.close(its_end)
        assert done.returncode == 0, f"{commands}\n{done.stdout}"
        return done.stdout

    examples = {  # noqa: RUF012  # never changed
        "key": "clinic.example/wardline+8f1c0a2b+AX…",
        "run": "r-3k9x0p7c2m",
        "year": "2026",
        "port": "8080",
        "waited": "8080 &",
        "service": " --service eligibility",
        "hold": "release 41",
        "index": "41",
        "clone": "../wardline",
        "python": "../plain/bin/python",
    }


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return str(server.getsockname()[1])


@pytest.fixture
def audited(tmp_path: Path) -> Iterator[tuple[Installation, str]]:
    """Somebody else's installation with a run that reached production, and what it gives an auditor, in a folder."""
    theirs, engagement = Installation(tmp_path / "theirs"), tmp_path / "engagement"
    for folder in (theirs.folder, engagement):
        folder.mkdir()
    try:
        theirs.enrol_everybody()
        (engagement / "seen-2025.json").write_text(theirs("log", "check", "--output", "json"))
        shipped = theirs.ship(repository(tmp_path / "tiny", tiny("1.0")))
        shipped.until_it_waits("production needs")
        theirs.approve(shipped.run)
        assert shipped.end() == 0
        theirs("backup", engagement / "clinic.backup")
        (engagement / "heads.txt").write_text(theirs.json("log", "check")["checkpoint"])
        (engagement / "installation.pub").write_text(theirs("keys", "show"))
        yield theirs, shipped.run
    finally:
        theirs.stop()


def test_an_auditor_gets_from_a_backup_to_verified_samples(audited: tuple[Installation, str], tmp_path: Path) -> None:
    theirs, run = audited
    # The block that makes their venvs is left out: this test has one, and the page's key is in its file already.
    reader = Reader("how-to/audit-an-installation.md", tmp_path / "engagement")
    assert "it holds" in reader.paste("wardline restore")
    reader.environ["WARDLINE_HOME"] = str(reader.folder / "copy")  # as that block exports it
    assert reader.paste("wardline log check --against").count("begin this log") == 2
    reader.paste("wardline log check --output json", year=YEAR)
    port = free_port()
    until = f"until python3 -c 'import socket; socket.create_connection((\"127.0.0.1\", {port}))' 2>&-; do :; done"
    assert "cosigned" in reader.paste("wardline witness new-key", waited=f"{port} &\n{until}", port=port)
    assert "nothing is missing" in reader.paste("wardline log completeness", year=YEAR)
    assert run in reader.paste("wardline runs list")
    assert "('p-sam', 'approval'), 1)" in reader.paste("wardline log list --output json", run=run)

    theirs("log", "witnesses", "add", reader.folder / "auditor.vkey")
    theirs("log", "cosign", "--take", reader.folder / "cosigned.note")
    theirs("packet", run, "--with", "all", "--to", reader.folder / f"{run}.packet.html")
    assert "begin this log" in reader.paste("wardline verify", run=run)
    apart = reader.paste("../plain", python=sys.executable, clone=str(ROOT), run=run)
    assert f"{run}.packet.html: holds" in apart
    assert "in-toto.io/Statement" in reader.paste("wardline log prove", index="11")


@pytest.fixture
def officer(tmp_path: Path) -> Reader:
    """A reader at an installation with an administrator, a compliance officer and somebody to forget."""
    reader = Reader(
        "how-to/erase-a-person.md", tmp_path, WARDLINE_HOME=str(tmp_path / "home"), WARDLINE_PASSPHRASE="a long phrase"
    )
    reader.types(
        "for who in ada cleo; do wardline keys new $who.key; done\n"
        "wardline people enrol p-ada --role administrator --key ada.key\n"
        "wardline people enrol p-cleo --role compliance --public-key cleo.key.pub --key ada.key\n"
        "wardline people enrol p-devi --name Devi --email devi@example.org --key ada.key"
    )
    return reader


def test_a_data_protection_officer_erases_a_person(officer: Reader) -> None:
    seen = [officer.types(block) for block in officer.blocks]
    assert "name: Devi" in seen[1]
    assert json.loads((officer.folder / "erased-p-devi.json").read_text())["forgotten"]
    assert "erased on" in seen[3]
    assert "the log holds" in seen[3]


def test_a_compliance_officer_holds_releases_and_purges(officer: Reader) -> None:
    reader = Reader("how-to/keep-and-purge-evidence.md", officer.folder)
    reader.environ |= officer.environ | {"WARDLINE_KEY": "cleo.key"}
    assert "nothing was changed" in reader.paste("wardline log purge --dry-run")
    held = reader.paste("export WARDLINE_KEY=", service="", year=YEAR)
    (index,) = re.findall(r"wardline log release (\d+)", held)
    assert "is released" in reader.paste("wardline log release", hold=f"release {index}")
    assert "0 removed" in reader.paste("wardline log purge\n")
    assert "nothing is missing" in reader.paste("wardline log completeness", year=YEAR)
