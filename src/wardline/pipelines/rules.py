"""Rules over keys of wardline.yaml that are each well-formed and still cannot stand together."""

from collections.abc import Mapping

from wardline.pipelines.shapes import Places
from wardline.pipelines.spec import ApprovalSpec, DataClass, StrategyKind

PRODUCTION = "production"
_ALL = 100  # percent of traffic
# They change which code runs. What was tested is what is deployed: only configuration may differ.
_CODE_CHANGING = frozenset({
    "PATH", "PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONUSERBASE", "PYTHONINSPECT", "LD_PRELOAD",
    "LD_LIBRARY_PATH", "LD_AUDIT", "VIRTUAL_ENV",
})  # fmt: skip


def service(declared: Mapping[str, object], places: Places) -> None:
    match declared.get("data"):
        case tuple() as data if DataClass.NONE in data and len(data) > 1:
            places.report("data", "none cannot stand beside other classes: keep none or the others")


def test(declared: Mapping[str, object], places: Places) -> None:
    standards = "standards" in places.names() and declared.get("standards") != 0
    if standards and "coverage" not in places.names():
        places.report("coverage", "required where min_coverage is set: the Cobertura XML report to read it from")


def strategy(declared: Mapping[str, object], places: Places) -> None:
    steps = declared.get("steps")
    rising = isinstance(steps, tuple)
    if isinstance(steps, tuple) and (list(steps) != sorted(steps) or steps[-1] != _ALL):
        shown = ", ".join(str(step) for step in steps)
        places.report("steps", f"expected rising percentages that end at 100, got {shown}")
        rising = False
    match declared.get("kind"):
        case StrategyKind.CANARY if "steps" not in places.names():
            places.report("steps", "required for a canary and not given: rising percentages such as [10, 50, 100]")
        case StrategyKind.CANARY if rising and steps == (_ALL,):
            places.report("steps", "a canary needs a step before 100, such as [10, 50, 100]; or kind: blue-green")
        case StrategyKind.BLUE_GREEN if "steps" in places.names():
            places.report("steps", "blue-green switches all traffic at once: remove steps, or choose kind: canary")


def environment(declared: Mapping[str, object], places: Places) -> None:
    config, secrets = declared.get("config", {}), declared.get("secrets", {})
    if isinstance(config, Mapping) and isinstance(secrets, Mapping):
        for name in sorted(config.keys() & secrets.keys()):
            places.report("secrets", f"{name} is also under config; keep one of them")
    match declared.get("approvals"):
        case tuple() as approvals:
            roles = [approval.role for approval in approvals if isinstance(approval, ApprovalSpec)]
            for role in sorted({role for role in roles if roles.count(role) > 1}):
                places.report("approvals", f"role {role} is asked for twice; say how many with count")
        case None if "approvals_within" in places.names() and not {"approvals", "windows"} & set(places.names()):
            places.report("approvals_within", "says how long approvals are waited for, and none are asked for")
    if "window_wait" in places.names() and "windows" not in places.names():
        places.report("window_wait", "says how long windows are waited for, and there are none")


def variables(declared: Mapping[str, object], places: Places) -> None:
    """Refuse variables that Wardline sets itself or that would change which code runs."""
    for name in declared:
        if name == "PORT" or name.startswith("WARDLINE_"):
            places.report(name, "is set by Wardline itself; choose another name")
        if name in _CODE_CHANGING:
            places.report(name, "changes which code runs; only configuration may differ between environments")


def environments(_declared: Mapping[str, object], places: Places) -> None:
    names = list(places.names())
    if PRODUCTION not in names:
        places.report(PRODUCTION, "required and not given: the environment that patients and users meet")
    elif names[-1] != PRODUCTION:
        after = ", ".join(names[names.index(PRODUCTION) + 1 :])
        places.report(PRODUCTION, f"environments are in order and production is the last; {after} stands after it")
    holders: dict[object, str] = {}
    for name in names:
        port = places.value(f"{name}.target.port")
        if port is not None and holders.setdefault(port, name) != name:
            places.report(f"{name}.target.port", f"{port} is already that of {holders[port]}; each needs its own")


def whole(_declared: Mapping[str, object], places: Places) -> None:
    names = list(places.names("environments"))
    rehearse_in = places.value("rollback.rehearse_in")
    if not names or rehearse_in is None:
        return
    before = names[: names.index(PRODUCTION)] if PRODUCTION in names else names
    if rehearse_in not in before:
        choice = "one of " + ", ".join(before) if before else "an environment before production, and there is none"
        places.report("rollback.rehearse_in", f"expected {choice}; got {rehearse_in}")
