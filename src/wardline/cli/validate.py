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
    """Read wardline.yaml, its calendars and its policies, and name everything that is wrong with them, at once."""
    import json

    from wardline.bootstrap.laws import laws_folder
    from wardline.bootstrap.policy_cases import hold_against_cases
    from wardline.cli.declared import pipeline_file, policies_of, read_pipeline
    from wardline.pipelines.schema import json_schema
    from wardline.settings import read_settings

    if schema:
        say(json.dumps(json_schema(), indent=2))
        leave(OK)
    file = pipeline_file(path)
    try:
        pipeline = read_pipeline(file)
        hold_against_cases(policies_of(file, pipeline), laws_folder(read_settings()))
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
