"""`wardline validate`."""

from pathlib import Path
from typing import Annotated

import typer

from wardline.cli.shell import OK, USAGE, Output, leave, say, say_json
from wardline.errors import InvalidInput, NotFound, Unavailable


def validate(
    path: Annotated[Path, typer.Argument(help="A wardline.yaml, or the folder it lies in.")] = Path(),
    *,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of wardline.yaml and leave.")] = False,
    output: Annotated[Output, typer.Option(help="How the result is printed.")] = Output.TEXT,
) -> None:
    """Read wardline.yaml and name everything that is wrong with it, at once."""
    import json

    from wardline.pipelines.parse import parse_bytes
    from wardline.pipelines.schema import json_schema

    if schema:
        say(json.dumps(json_schema(), indent=2))
        leave(OK)
    file = _file(path)
    try:
        pipeline = parse_bytes(_read(file), filename=str(file))
    except InvalidInput as error:
        if output is Output.TEXT:
            raise
        say_json({"file": str(file), "valid": False, "problems": list(error.problems or [error.what])})
        leave(USAGE)
    names = [environment.name for environment in pipeline.environments]
    if output is Output.JSON:
        say_json(
            {"file": str(file), "valid": True, "problems": [], "service": pipeline.service.name, "environments": names}
        )
        return
    say(f"{file} is valid: {pipeline.service.name}, {' → '.join(names)}")


def _file(path: Path) -> Path:
    from wardline.pipelines.keys import FILENAME

    file = path / FILENAME if path.is_dir() else path
    if file.is_dir():
        raise InvalidInput(f"{file} is a folder; expected a file")
    if not file.exists():
        raise NotFound(f"there is no {file}", remedy="`wardline init` writes a first one")
    return file


def _read(file: Path) -> bytes:
    from wardline.pipelines.parse import MAX_BYTES

    try:
        with file.open("rb") as source:
            return source.read(MAX_BYTES + 1)  # one more than the parser takes: it says so
    except OSError as error:
        raise Unavailable(f"cannot read {file}: {error.strerror}", remedy="check its permissions") from error
