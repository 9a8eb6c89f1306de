"""The published form of every predicate, held when a statement is written and again when it is read.

The schemas (JSON Schema 2020-12) are packaged copies of docs/predicates/*.schema.json; the README there says how one
is added. A type without a schema is no type of ours: it is neither written nor read.
"""

import json
import re
from functools import lru_cache
from pkgutil import get_data

import jsonschema_rs

from wardline.errors import InvalidInput
from wardline.evidence.statements import Statement
from wardline.predicates import NAMESPACE

# Predicates that others publish: Wardline writes a profile of each, and reads nothing else under these types.
PROFILES = {
    "https://slsa.dev/provenance/v1": "slsa-provenance",
    "https://slsa.dev/verification_summary/v1": "verification-summary",
    "https://in-toto.io/attestation/test-result/v0.1": "test-result",
}

_SUFFIX = ".schema.json"
# A name becomes that of a file, so it is no longer than one may be.
_OURS = re.compile(
    rf"{re.escape(NAMESPACE)}/(?=[a-z0-9-]{{1,64}}/)([a-z0-9]+(?:-[a-z0-9]+)*)/v([1-9][0-9]{{0,3}})", re.ASCII
)


def check_predicate(statement: Statement) -> None:
    """Return if the predicate of `statement` keeps to the published schema of its type.

    Raises:
        InvalidInput: No such type is known, or not in this version, or a member is not as its schema says.
    """
    kind = statement.predicate_type
    validator = _validator(kind)
    if validator is None:
        raise _unknown(kind)
    try:
        validator.validate(statement.predicate())
    except jsonschema_rs.ValidationError as error:
        # The place and the rule, never the value: it may be anything.
        place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.instance_path)[:200]
        rule = str(error.schema_path[-1])[:40] if error.schema_path else "schema"
        raise InvalidInput(f"predicate {_short(kind)}: its schema does not allow ${place} ({rule})") from error
    except ValueError as error:  # what the validator says of nesting that it does not follow (255 levels)
        raise InvalidInput(f"predicate {_short(kind)}: it nests deeper than any schema allows") from error


def known_types() -> tuple[str, ...]:
    """Return every predicate type that has a schema, sorted."""
    ours = [_type_of(file) for file in _files() if file.removesuffix(_SUFFIX) not in PROFILES.values()]
    return tuple(sorted([*ours, *PROFILES], key=_short))


@lru_cache(maxsize=256)  # of each type once; whoever sends us others does not fill the memory
def _validator(kind: str) -> jsonschema_rs.Validator | None:
    match = _OURS.fullmatch(kind)
    if kind in PROFILES:
        name = PROFILES[kind]
    elif match is not None and match[1] not in PROFILES.values():
        name = match[1] if match[2] == "1" else f"{match[1]}.v{match[2]}"
    else:
        return None
    try:
        schema = get_data(__package__, f"schemas/{name}{_SUFFIX}")  # `importlib.resources` takes 9 ms to import
    except FileNotFoundError:
        return None
    return None if schema is None else jsonschema_rs.Draft202012Validator(json.loads(schema), validate_formats=True)


def _unknown(kind: str) -> InvalidInput:
    match = _OURS.fullmatch(kind)
    family = "" if match is None else f"{NAMESPACE}/{match[1]}/"
    versions = [known for known in known_types() if family and known.startswith(family)]
    if versions:
        known = f"known of this predicate: {', '.join(_short(version) for version in versions)}"
    else:
        known = f"known: {', '.join(_short(each) for each in known_types())}"
    return InvalidInput(
        f"predicate type {_short(kind)[:120]} is not known to this version of Wardline; {known}",
        remedy="If a newer Wardline wrote it, read it with that version or a later one; docs/predicates lists them.",
    )


def _files() -> list[str]:
    from importlib import resources

    folder = resources.files(__package__).joinpath("schemas")
    return [file.name for file in folder.iterdir() if file.name.endswith(_SUFFIX)]


def _type_of(file: str) -> str:
    name, _, version = file.removesuffix(_SUFFIX).partition(".v")
    return f"{NAMESPACE}/{name}/v{version or 1}"


def _short(kind: str) -> str:
    return kind.removeprefix(f"{NAMESPACE}/")
