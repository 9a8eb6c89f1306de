"""`wardline validate`."""

from pathlib import Path
from typing import Annotated

import typer

from wardline.cli.shell import OK, USAGE, Output, leave, say, say_json
from wardline.errors import InvalidInput


def validate(
    path: Annotated[Path, typer.Argument(help="A wardline.yaml, or the folder it lies in.")] = Path(),
    *,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of wardline.yaml and leave.")] = False,
    output: Annotated[Output, typer.Option(help="How the result is printed.")] = Output.TEXT,
) -> None:
    """Read wardline.yaml and its calendars, and name everything that is wrong with them, at once."""
    import json

    from wardline.cli.declared import pipeline_file, read_pipeline
    from wardline.pipelines.schema import json_schema

    if schema:
        say(json.dumps(json_schema(), indent=2))
        leave(OK)
    file = pipeline_file(path)
    try:
        pipeline = read_pipeline(file)
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
