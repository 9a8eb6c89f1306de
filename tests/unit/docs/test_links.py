"""Documents hold: every link leads somewhere, every command they name can be given, every list is the code's."""

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from wardline.cli.main import app
from wardline.cli.shell import Output

ROOT = Path(__file__).parents[3]
FOLDERS = ("docs", "examples", "bench", "tests", ".github")
PAGES = sorted([*ROOT.glob("*.md"), *(page for folder in FOLDERS for page in (ROOT / folder).rglob("*.md"))])
COMMANDS = typer.main.get_command(app)

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^()\s]+)\)")
_INLINE = re.compile(r"`wardline ([^`]+)`")


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def prose(page: Path) -> str:
    return _BLOCK.sub("", page.read_text())


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in _LINK.findall(prose(page)):
        if link.startswith(("https://", "http://", "mailto:")):
            continue
        path, _, fragment = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert target.is_relative_to(ROOT), link
        if fragment:
            assert fragment in anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_block_and_table_is_closed(page: Path) -> None:
    text = page.read_text()
    assert len(re.findall(r"^```", text, flags=re.MULTILINE)) % 2 == 0
    for table in re.findall(r"(?:^\|.*\|\n)+", _BLOCK.sub("", text), flags=re.MULTILINE):
        columns = {len(re.findall(r"(?<!\\)\|", re.sub(r"`[^`]*`", "", row))) for row in table.splitlines()}
        assert len(columns) == 1, table.splitlines()[0]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_command_in_a_block_can_be_given(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WARDLINE_KEY", raising=False)
    if "export WARDLINE_KEY=" in page.read_text():
        monkeypatch.setenv("WARDLINE_KEY", "ada.key")
    for arguments in commands_in_blocks(page):
        command, rest = resolved(arguments)
        try:
            command.make_context(" ".join(arguments), rest)
        except typer.Exit as leaves:  # --version and its like
            assert leaves.exit_code == 0  # noqa: PT017  # it is no error
        except Exception as error:  # noqa: BLE001  # whatever the parser raises: the page is wrong
            pytest.fail(f"wardline {' '.join(arguments)}: {error}")


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_command_in_a_sentence_exists(page: Path) -> None:
    for text in _INLINE.findall(prose(page)):
        words = [word for word in re.split(r"[\s|]+", text.replace("[", " ").replace("]", " ")) if word]
        command, rest = resolved(words)
        if rest and rest[0] == "--version":
            continue
        options = {spelled for option in command.params for spelled in (*option.opts, *option.secondary_opts)} | {
            "--help"
        }
        for word in rest:
            assert not word.startswith("--") or word in options, f"wardline {text}: {word}"


def test_every_command_and_option_is_in_the_reference() -> None:
    page = (ROOT / "docs" / "reference" / "commands.md").read_text()
    sections = dict(re.findall(r"^### wardline ([a-z -]+)\n(.*?)(?=^##|\Z)", page, flags=re.MULTILINE | re.DOTALL))
    known = dict(every_command(COMMANDS, ()))
    assert set(sections) == set(known)
    for path, command in known.items():
        spelled = set(
            re.findall(r"`(--[a-z-]+)`", "".join(re.findall(r"^\| `--.*$", sections[path], flags=re.MULTILINE)))
        )
        options = {o for p in command.params if p.param_type_name == "option" for o in (*p.opts, *p.secondary_opts)}
        assert "--output" in options, path
        assert spelled >= options - {"--output"}, path
        assert spelled <= options, path


def test_the_reference_of_outputs_is_the_shells() -> None:
    page = (ROOT / "docs" / "reference" / "commands.md").read_text()
    assert all(f"`--output {output.value}`" in page for output in Output)


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = {re.split(r"[<>=!~\[; ]", text)[0].lower() for text in project["dependencies"]}
    page = (ROOT / "docs" / "decisions" / "0011-dependencies.md").read_text()
    assert {row.lower() for row in re.findall(r"^\| ([\w-]+) \|", page, flags=re.MULTILINE)} - {"package"} == declared


def test_every_decision_is_listed_under_its_title() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = dict(re.findall(r"^\| \[(\d{4})\]\(([\w.-]+)\)", (folder / "README.md").read_text(), flags=re.MULTILINE))
    records = sorted(folder.glob("[0-9]*.md"))
    assert [listed[record.name[:4]] for record in records] == [record.name for record in records]
    for record in records:
        text = record.read_text()
        assert text.startswith(f"# {record.name[:4]}: "), record.name
        for part in ("**Context.**", "**Decision.**", "**Consequences.**", "**Rejected.**"):
            assert part in text, f"{record.name}: {part}"


def test_every_room_is_on_the_map() -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text()
    package = ROOT / "src" / "wardline"
    rooms = {folder.name for folder in package.iterdir() if (folder / "__init__.py").is_file()}
    assert rooms == set(re.findall(r"^\| `(\w+)/` \|", page, flags=re.MULTILINE))
    for file in re.findall(
        r"`((?:adapters|delivery|gates|pipelines|evidence|deployments|findings|cli|analysis)/[\w/.]+\.py)`", page
    ):
        assert (package / file).is_file(), file


def test_nothing_is_called_compliant() -> None:
    claims = re.compile(r"\b(?:HIPAA|GDPR|FDA|Part 11)[ -]+(?:compliant|certified|ready)\b", re.IGNORECASE)
    for page in PAGES:
        assert not claims.search(page.read_text()), name(page)


def anchors(page: Path) -> set[str]:
    """Return the fragments of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#{1,6} (.+)$", prose(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands_in_blocks(page: Path) -> Iterator[list[str]]:
    for kind, block in _BLOCK.findall(page.read_text()):
        for line in block.replace("\\\n", " ").splitlines() if kind in {"sh", "yaml"} else ():
            if not re.search(r"\bwardline ", line):
                continue
            words = shlex.shlex(line.removeprefix("      - run: "), posix=True, punctuation_chars=True)
            words.whitespace_split = True
            yield from commands_in(list(words))


def commands_in(words: list[str]) -> Iterator[list[str]]:
    """Yield the arguments of each `wardline` that is called in a line of shell, up to what ends the call."""
    for at, word in enumerate(words):
        before = words[at - 1] if at else ";"
        if word == "wardline" and (set(before) <= set("();<>|&") or before in {"nohup", "do", "then"}):
            following = words[at + 1 :]
            ends = (n for n, other in enumerate(following) if set(other) <= set("();<>|&") or other == "2")
            yield following[: next(ends, None)]


def resolved(arguments: list[str]) -> tuple[Any, list[str]]:
    """Return the command that `arguments` name and what is left of them."""
    command: Any = COMMANDS
    rest = list(arguments)
    while hasattr(command, "commands") and rest and not rest[0].startswith("-"):
        assert rest[0] in command.commands, f"there is no command wardline {' '.join(arguments)}"
        command = command.commands[rest.pop(0)]
    return command, rest


def every_command(command: Any, path: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    if hasattr(command, "commands"):
        for word, inner in command.commands.items():
            yield from every_command(inner, (*path, word))
    else:
        yield " ".join(path), command
