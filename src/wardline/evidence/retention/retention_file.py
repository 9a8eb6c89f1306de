"""`retention.yaml` of an installation: periods longer than the law's, every problem told at once."""

from difflib import get_close_matches

import yaml

from wardline.errors import InvalidInput
from wardline.evidence.retention.retention import MOST_YEARS, RULES, Kept, Schedule, period

FILE = "retention.yaml"
_VERSION = 1
_MOST_EVENTS = 1000  # of the YAML parser; a file that names every class has some fifty
_MOST_SHOWN = 10**30
_FOR_EVER = "for ever"
_CLASSES = {kept.value: kept for kept in Kept}


def parse_schedule(text: str, *, where: str) -> Schedule:
    """Return the schedule that the YAML `text` of the file `where` holds.

    Raises:
        InvalidInput: Every problem at once, each naming the key, what was expected and what stands there.
    """
    problems: list[str] = []
    try:
        _check_plain(text)
        problems += _twice(yaml.compose(text, Loader=yaml.SafeLoader))
        document: object = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = "" if mark is None else f":{mark.line + 1}"
        raise InvalidInput(f"{where}{line}: not YAML: {getattr(error, 'problem', None) or error}") from error
    years = _years(document, problems)
    if problems:
        raise InvalidInput(
            f"{where}: {len(problems)} problem{'s' if len(problems) > 1 else ''}",
            problems=tuple(problems),
            remedy="See docs/reference/retention.md; without the file the law's periods count.",
        )
    return Schedule(years=years)


def _years(document: object, problems: list[str]) -> dict[Kept, int | None]:
    if not isinstance(document, dict):
        problems.append(f"expected the keys retention and years, got {_shown(document)}")
        return {}
    problems += [f"{_shown(key)}: no such key; expected retention and years" for key in document.keys() - _KEYS]
    if document.get("retention") != _VERSION or isinstance(document.get("retention"), bool):
        problems.append(
            f"retention: expected {_VERSION}, the version of this file; got {_shown(document.get('retention'))}"
        )
    found = document.get("years")
    if not isinstance(found, dict):
        problems.append(f"years: expected classes with their periods, got {_shown(found)}")
        return {}
    years: dict[Kept, int | None] = {}
    for name, value in found.items():
        if not isinstance(name, str) or name not in _CLASSES:
            near = get_close_matches(name[:40] if isinstance(name, str) else "", _CLASSES, n=1)
            hint = f"did you mean {near[0]}?" if near else f"expected one of {', '.join(_CLASSES)}"
            problems.append(f"years.{_shown(name)}: no such class; {hint}")
        elif value == _FOR_EVER:
            years[_CLASSES[name]] = None
        elif isinstance(value, bool) or not isinstance(value, int) or value > MOST_YEARS:
            problems.append(
                f"years.{name}: expected whole years up to {MOST_YEARS}, or `for ever`; got {_shown(value)}"
            )
        else:
            _keep(years, _CLASSES[name], value, problems)
    return years


def _keep(years: dict[Kept, int | None], kept: Kept, value: int, problems: list[str]) -> None:
    rule = RULES[kept]
    if rule.years is None or value < rule.years:
        problems.append(f"years.{kept}: {value} is shorter than {rule.law} asks for: {period(rule.years)}")
        return
    years[kept] = value


def _check_plain(text: str) -> None:
    """Refuse what a list of periods has no use for, before it is built.

    An alias can stand for more than memory holds; of a value tagged as what it is not PyYAML makes errors of any kind.
    """
    for number, event in enumerate(yaml.parse(text, Loader=yaml.SafeLoader)):
        if number > _MOST_EVENTS:
            problem = "more values than there are classes"
        elif isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            problem = "anchors and aliases are not taken here"
        elif getattr(event, "tag", None) is not None:
            problem = "tags are not taken here"
        else:
            continue
        raise yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)  # type: ignore[arg-type]  # the stubs have two Marks


def _twice(node: yaml.Node | None) -> list[str]:
    """Return a problem for each key that stands there twice: YAML would silently take the last one."""
    if not isinstance(node, yaml.MappingNode):
        return []
    names = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
    inner = [problem for _, value in node.value for problem in _twice(value)]
    return [*(f"{name[:40]}: stands there twice" for name in sorted({n for n in names if names.count(n) > 1})), *inner]


def _shown(value: object) -> str:
    if isinstance(value, int) and abs(value) > _MOST_SHOWN:
        return "a number of many digits"  # Python writes none of more than 4,300
    return "nothing" if value is None else repr(value)[:40]


_KEYS = frozenset({"retention", "years"})
