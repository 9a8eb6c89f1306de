"""Every predicate keeps to its published schema when it is written and when it is read."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from told_story import RUN, begun

import wardline.evidence
from wardline.canonical import JSON, Digest
from wardline.errors import InvalidInput
from wardline.evidence.log import Evidence
from wardline.evidence.schemas import PROFILES, check_predicate, known_types
from wardline.outcomes import Outcome
from wardline.predicates import NAMESPACE, Subject

DOCS = Path(__file__).resolve().parents[3] / "docs" / "predicates"
PACKAGED = Path(wardline.evidence.__file__).parent / "schemas"


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Evidence]]:
    with begun(tmp_path_factory.mktemp("told")) as story:
        story.tell()
        yield list(story.log.every())


def test_the_packaged_schemas_are_those_that_are_published() -> None:
    published = {file.name: file.read_text() for file in DOCS.glob("*.schema.json")}
    packaged = {file.name: file.read_text() for file in PACKAGED.iterdir()}
    assert packaged == published, "cp docs/predicates/*.schema.json src/wardline/evidence/schemas/"


def test_every_schema_is_one_and_is_named_after_its_type() -> None:
    for file in DOCS.glob("*.schema.json"):
        schema = json.loads(file.read_text())
        jsonschema.Draft202012Validator.check_schema(schema)
        name, _, version = file.name.removesuffix(".schema.json").partition(".v")
        kind = f"profiles/{name}" if name in PROFILES.values() else name
        assert schema["$id"] == f"{NAMESPACE}/{kind}/v{version or 1}.schema.json"
        assert schema["properties"]["wardline"] == {"$ref": "#/$defs/context"}
        assert schema["additionalProperties"] is False


def test_no_schema_refers_to_another_file() -> None:
    for file in DOCS.glob("*.schema.json"):
        assert set(re.findall(r'"\$ref": "([^"]*)"', file.read_text())) <= {
            f"#/$defs/{name}" for name in json.loads(file.read_text())["$defs"]
        }


def test_every_type_that_is_known_has_a_page_in_the_list() -> None:
    listed = (DOCS / "README.md").read_text()
    for kind in known_types():
        name = kind.removeprefix(f"{NAMESPACE}/")
        assert f"`{kind}`" in listed or f"`…/{name}`" in listed, kind


def test_what_the_installation_writes_keeps_to_its_schema(said: list[Evidence]) -> None:
    kinds = {item.statement.predicate_type for item in said}
    assert kinds >= set(PROFILES)
    for item in said:
        check_predicate(item.statement)


def test_both_validators_agree_on_every_member_left_out_or_changed(said: list[Evidence]) -> None:
    for item in said:
        statement = item.statement
        name = PROFILES.get(statement.predicate_type) or statement.predicate_type.split("/")[-2]
        other = jsonschema.Draft202012Validator(json.loads((DOCS / f"{name}.schema.json").read_text()))
        for member in statement.body:
            less = {key: value for key, value in statement.body.items() if key != member}
            for body in (less, statement.body | {member: 7}, statement.body | {member: [None]}, statement.body):
                changed = replace(statement, body=body)
                assert _holds(changed) == other.is_valid(changed.predicate()), (name, member)


@pytest.mark.parametrize("levels", [100, 254, 255, 256, 450])
def test_what_nests_too_deep_for_the_validator_is_refused(said: list[Evidence], levels: int) -> None:
    deep: JSON = 1
    for _ in range(levels):
        deep = [deep]
    statement = replace(said[0].statement, body={**said[0].statement.body, "deep": deep})
    with pytest.raises(InvalidInput, match="predicate"):  # from 255 on the validator itself gives up
        check_predicate(statement)


def test_examples_of_the_profiles_keep_to_their_schemas() -> None:
    examples = re.findall(r"```json\n(.*?)```", (DOCS / "published.md").read_text(), flags=re.DOTALL)
    for name, example in zip(("slsa-provenance", "test-result", "verification-summary"), examples, strict=True):
        schema = json.loads((DOCS / f"{name}.schema.json").read_text())
        jsonschema.Draft202012Validator(schema).validate(json.loads(example))


@pytest.mark.parametrize("name", sorted(file.name.removesuffix(".schema.json") for file in DOCS.glob("*.schema.json")))
def test_every_predicate_has_a_page_with_an_example_that_keeps_to_its_schema(name: str) -> None:
    if name in PROFILES.values():
        return  # all three on one page, see above
    _, _, after = (DOCS / f"{name}.md").read_text().partition("## Example\n")
    (example,) = re.findall(r"```json\n(.*?)```", after, flags=re.DOTALL)
    jsonschema.Draft202012Validator(json.loads((DOCS / f"{name}.schema.json").read_text())).validate(
        json.loads(example)
    )


def test_nothing_may_be_left_out_of_or_added_to_a_profile(said: list[Evidence]) -> None:
    for item in said:
        if item.statement.predicate_type in PROFILES:
            body = item.statement.body
            for member in body:
                assert not _holds(replace(item.statement, body={k: v for k, v in body.items() if k != member}))
            assert not _holds(replace(item.statement, body=body | {"extra": 1}))


@pytest.mark.parametrize(
    ("kind", "known"),
    [
        (f"{NAMESPACE}/scan/v2", "known of this predicate: scan/v1"),
        (f"{NAMESPACE}/scan/v01", "known: addressable-decision/v1"),
        (f"{NAMESPACE}/horoscope/v1", "known: addressable-decision/v1"),
        (f"{NAMESPACE}/slsa-provenance/v1", "known: addressable-decision/v1"),
        (f"{NAMESPACE}/../schemas/scan/v1", "known: addressable-decision/v1"),
        (
            f"{NAMESPACE}/{'long-' * 60}name/v1",
            "known: addressable-decision/v1",
        ),  # found by fuzzing
        ("https://slsa.dev/provenance/v2", "https://slsa.dev/provenance/v1"),
        ("", "known: "),
    ],
)
def test_an_unknown_type_or_version_is_refused_and_the_known_ones_are_named(
    said: list[Evidence], kind: str, known: str
) -> None:
    with pytest.raises(InvalidInput, match="not known to this version of Wardline") as refused:
        check_predicate(replace(said[0].statement, predicate_type=kind))
    assert known in refused.value.what
    assert "newer Wardline" in str(refused.value.remedy)


def test_a_message_names_the_place_and_the_rule_but_never_the_value(said: list[Evidence]) -> None:
    scan = next(item.statement for item in said if item.statement.predicate_type.endswith("/scan/v1"))
    findings = [scan.body["findings"][0] | {"line": "Jane Doe, born 1980"}]
    with pytest.raises(InvalidInput) as refused:
        check_predicate(replace(scan, body=scan.body | {"findings": findings}))
    assert refused.value.what == "predicate scan/v1: its schema does not allow $.findings[0].line (type)"


def test_what_its_schema_does_not_allow_is_never_signed(tmp_path: Path) -> None:
    with begun(tmp_path) as story:
        with pytest.raises(InvalidInput, match="does not allow"):
            story.say("source", _Wrong(), run=RUN)
        assert story.log.size() == 0


class _Wrong:
    predicate_type = f"{NAMESPACE}/seal/v1"
    outcome = Outcome.PASSED

    def subjects(self):
        return (Subject(name="run", digest=Digest.of(b"run")),)

    def body(self):
        return {"journey": "ship"}


def _holds(statement) -> bool:
    try:
        check_predicate(statement)
    except InvalidInput:
        return False
    return True
