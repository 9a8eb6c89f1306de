import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from wardline.errors import InvalidInput
from wardline.pipelines.keys import WHOLE
from wardline.pipelines.parse import parse
from wardline.pipelines.schema import json_schema
from wardline.pipelines.sections import Key, Section
from wardline.pipelines.shapes import Items, Shape, Table

ROOT = Path(__file__).parents[3]
VECTORS = ROOT / "tests" / "vectors" / "wardline_yaml"
REFERENCE = ROOT / "docs" / "reference"
VALIDATOR = Draft202012Validator(json_schema())
# What only the parser refuses, by the words of its message.
BEYOND_THE_SCHEMA = (
    "none cannot stand beside", "required where min_coverage", "rising percentages", "required for a canary",
    "a canary needs", "blue-green switches", "is also under config", "is asked for twice",
    "says how long approvals", "says how long windows",
    "is set by Wardline", "changes which code", "environments are in order", "is already that of",
    "rollback.rehearse_in: expected", "a duration from", "a requirement such as", "at most four decimals",
)  # fmt: skip

values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 200),
    st.floats(-1, 2).filter(lambda number: number != int(number)),
    st.sampled_from(
        ["30s", "0s", "99d", "a", "A", "x.whl", "/", "env:A", "local", "none", "$PORT", "hipaa", "", "$ORT"]
    ),
    st.lists(st.sampled_from(["phi", "none", "bandit", "a>=1", "-r a", 5, 50, 100]), max_size=3),
    st.dictionaries(st.sampled_from(["A", "PORT", "role", "kind", "steps", "production"]), st.just("x"), max_size=2),
)


def as_data(document: object) -> object:
    """What a JSON Schema validator is given for the file: numbers where the file has numbers."""
    return yaml.safe_load(yaml.safe_dump(document))


def whole_document() -> dict[str, object]:
    document = yaml.safe_load((VECTORS / "valid" / "whole.yaml").read_text())
    document["environments"]["staging"]["config"]["SINCE"] = "2026-01-01"  # JSON has no dates
    return document


def places(node: object) -> Iterator[tuple[object, object]]:
    """Every container below `node` with each of its keys."""
    inside = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in list(inside):
        yield node, key
        yield from places(value)


@st.composite
def changed_documents(draw: st.DrawFn) -> object:
    document = whole_document()
    for _ in range(draw(st.integers(1, 2))):
        container, key = draw(st.sampled_from(list(places(document))))
        kind = draw(st.sampled_from(["drop", "rename", "replace"]))
        value = deepcopy(draw(values)) if kind == "replace" else container.pop(key) if kind == "rename" else None
        if kind == "drop":
            del container[key]
        elif isinstance(container, dict):
            container[key if kind == "replace" else f"{key}x"] = value
        else:
            container.insert(key, value)
    return document


def keys_below(shape: Shape, path: str = "") -> Iterator[tuple[str, Key]]:
    """Every key of the table, by its path as the reference writes it."""
    if isinstance(shape, Section):
        for key in shape.keys:
            yield f"{path}{key.name}", key
            yield from keys_below(key.shape, f"{path}{key.name}.")
    elif isinstance(shape, Table):
        yield from keys_below(shape.each, f"{path}<name>.")
    elif isinstance(shape, Items):
        yield from keys_below(shape.each, f"{path[:-1]}[].")


@settings(deadline=None, max_examples=60)
@given(changed_documents())
def test_schema_and_parser_agree(document):
    errors = list(VALIDATOR.iter_errors(as_data(document)))
    try:
        parse(yaml.safe_dump(document, sort_keys=False), filename="f")
    except InvalidInput as error:
        refused = error.problems
    else:
        refused = ()
    if not refused:
        assert not errors
    if not errors:
        assert all(any(words in problem for words in BEYOND_THE_SCHEMA) for problem in refused), refused


@pytest.mark.parametrize("path", sorted((VECTORS / "valid").iterdir()), ids=lambda path: path.stem)
def test_valid_vector_satisfies_the_schema(path):
    data = yaml.safe_load(path.read_text())
    VALIDATOR.validate(json.loads(json.dumps(data, default=str)))


def test_schema_is_one():
    Draft202012Validator.check_schema(json_schema())


def test_published_schema_is_what_the_code_makes():
    published = (REFERENCE / "wardline.schema.json").read_text()
    assert published == json.dumps(json_schema(), indent=2) + "\n"


def test_stated_defaults_are_those_of_the_values():
    least = yaml.safe_load((VECTORS / "valid" / "least.yaml").read_text())
    spelled = deepcopy(least)
    production = spelled["environments"]["production"]
    production["strategy"] = {}
    spelled |= {"scan": {}, "rollback": {"rehearse_in": "staging"}}
    spelled["environments"] = {"staging": {"target": {"kind": "local"}}, "production": production}
    production["approvals"] = [{"role": "operator"}]
    spelled["test"] |= {"coverage": "c.xml"}
    left_out = parse(yaml.safe_dump(spelled, sort_keys=False), filename="f")
    fill(WHOLE, spelled)
    assert spelled["environments"]["production"]["strategy"]["analysis"]["error_rate"] == 0.01
    assert parse(yaml.safe_dump(spelled, sort_keys=False), filename="f") == left_out


def fill(shape: Shape, data: object) -> None:
    """Write every default that the table states into `data`."""
    match shape, data:
        case Section(), dict():
            for key in shape.keys:
                optional = {} if isinstance(key.shape, Section) and not key.required else deepcopy(key.default)
                if optional is not None:
                    data.setdefault(key.name, optional)
                fill(key.shape, data.get(key.name))
        case ((Table() | Items()), (dict() | list())):
            for value in data.values() if isinstance(data, dict) else data:
                fill(shape.each, value)


def test_reference_has_a_row_for_every_key():
    written = (REFERENCE / "wardline-yaml.md").read_text()
    missing = [row for row in reference_rows() if row not in written]
    assert not missing, "\n".join(missing)


def reference_rows() -> list[str]:
    return [reference_row(path, key) for path, key in keys_below(WHOLE)]


def reference_row(path: str, key: Key) -> str:
    match key.shape:
        case Section() | Table():
            kind = "section"
        case Items(each=Section()):
            kind = "list of sections"
        case Items(each=each):
            kind = f"list, each {each.wanted}"
        case shape:
            kind = shape.wanted
    default = (
        "" if key.default is None else f"`{key.default if isinstance(key.default, str) else json.dumps(key.default)}`"
    )
    return f"| `{path}` | {key.doc} | {kind} | {'**required**' if key.required else default} |"
