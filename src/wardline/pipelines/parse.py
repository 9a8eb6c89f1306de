"""wardline.yaml to its declared values, with every error found at once."""

from wardline.errors import IntegrityViolation, NotFound
from wardline.pipelines.documents import MAX_BYTES, Kind, decoded, problem_in, read_document
from wardline.pipelines.keys import FILENAME, WHOLE
from wardline.pipelines.sections import Section
from wardline.pipelines.shapes import Shape
from wardline.pipelines.spec import Pipeline

__all__ = ["MAX_BYTES", "parse", "parse_bytes", "problem_with"]

_PIPELINE = Kind(
    shape=WHOLE, wrong="does not declare a pipeline", remedy="`wardline validate --schema` prints every key"
)


def parse_bytes(content: bytes, *, filename: str = FILENAME) -> Pipeline:
    """Return the pipeline that the bytes of a file declare.

    Raises:
        InvalidInput: They are too many, are not UTF-8, or are not a pipeline; `problems` lists all that is wrong.
    """
    return parse(decoded(content, _PIPELINE, filename=filename), filename=filename)


def parse(text: str, *, filename: str = FILENAME) -> Pipeline:
    """Return the pipeline that `text` declares.

    Raises:
        InvalidInput: It is not YAML or not a pipeline; `problems` lists all that is wrong, each as
            `file:line: key: what was expected and what stands there`.
    """
    pipeline = read_document(text, _PIPELINE, filename=filename)
    if not isinstance(pipeline, Pipeline):
        raise IntegrityViolation(f"the section of the whole file made a {type(pipeline).__name__}")
    return pipeline


def problem_with(key: str, value: str | int | tuple[str, ...]) -> str | None:
    """Return why `value` cannot stand at `key`, a dotted path without environments; None where it can."""
    shape: Shape = WHOLE
    for name in key.split("."):
        known = shape.key(name) if isinstance(shape, Section) else None
        if known is None:
            raise NotFound(f"wardline.yaml has no key {key}")
        shape = known.shape
    return problem_in(value, shape, key)
