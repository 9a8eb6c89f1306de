"""The JSON Schema (2020-12) of wardline.yaml, for editors and other tools.

It is weaker than the parser, never stricter: rules between keys, bounds of durations and the syntax of requirements
are the parser's alone.
"""

from wardline.pipelines.keys import FILENAME, WHOLE
from wardline.pipelines.shapes import Schema

SCHEMA_ID = "https://wardline.dev/schemas/wardline.schema.json"


def json_schema() -> Schema:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": FILENAME,
        "description": "What a service declares to Wardline, version 1.",
        **WHOLE.schema(),
    }
