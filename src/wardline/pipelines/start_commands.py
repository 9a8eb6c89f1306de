"""Guessing how one instance of a service is started and where it says that it is ready."""

from collections.abc import Mapping
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from wardline.pipelines.applications import (
    Application,
    Interface,
    Module,
    Program,
    Route,
    is_development_server,
    port_of,
)
from wardline.pipelines.guesses import Guess
from wardline.pipelines.projects import Project

HEALTH_PATHS = ("/healthz", "/health", "/readyz", "/ready", "/livez", "/status", "/ping", "/healthcheck", "/up")
# In the order they are looked for among the dependencies; the first is suggested where there is none.
_SERVERS: Mapping[Interface, Mapping[str, str]] = {
    Interface.WSGI: {
        "gunicorn": "gunicorn --bind 127.0.0.1:$PORT {target}",
        "waitress": "waitress-serve --listen=127.0.0.1:$PORT {target}",
    },
    Interface.ASGI: {
        "uvicorn": "uvicorn --host 127.0.0.1 --port $PORT {target}",
        "hypercorn": "hypercorn --bind 127.0.0.1:$PORT {target}",
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """The command and the packages to ship for it."""

    command: Guess
    with_packages: Guess


def guess_start(
    project: Project, modules: tuple[Module, ...], *, found: tuple[Application, ...], runnable: tuple[Program, ...]
) -> Start:
    """Return the likeliest start: a program of the service's own, its server, or a development server as the last."""
    ready = [p for p in runnable if p.port_by == "--port" and not p.is_development_server]
    if ready:
        return _own(_run(ready[0]), f"{ready[0].where} runs as a program and takes --port")
    script = _script(project, modules)
    if script:
        return _own(f"{script} --port $PORT", f"the console script {script} takes --port")
    if found:
        return _served(project, found)
    ready = [p for p in runnable if p.port_by == "PORT" and not p.is_development_server]
    if ready:
        return _own(f"env PORT=$PORT {_run(ready[0])}", f"{ready[0].where} runs as a program and reads PORT")
    late = next((p for p in runnable if p.port_by == "--port"), None)
    if late:
        return _own(_run(late), f"{late.where} takes --port; it runs a server made for development")
    return _own(None, "the command that starts one instance, with $PORT where the port belongs")


def guess_health(found: tuple[Route, ...]) -> Guess:
    """Return the route that says whether an instance is ready, a known name before the front page."""
    for path in HEALTH_PATHS:
        hit = next((route for route in found if _is_health(route, path)), None)
        if hit:
            return Guess(key="start.health", value=hit.path, why=f"a route in {hit.where}")
    front = next((route for route in found if route.is_declared and route.path == "/"), None)
    if front:
        why = f"the front page, {front.where}: no route is called /healthz, /health, /status or /ping"
        return Guess(key="start.health", value="/", why=why)
    return Guess(key="start.health", value=None, why="a path that answers 2xx once the instance is ready")


def _is_health(route: Route, path: str) -> bool:
    # A declared route may stand below a prefix, as in /api/health; anything else in the source must be the path.
    plain = route.path.rstrip("/")
    return plain == path or (route.is_declared and plain.endswith(path) and not set("<{").intersection(plain))


def _own(command: str | None, why: str) -> Start:
    return Start(command=Guess(key="start.command", value=command, why=why), with_packages=_with((), "nothing needed"))


def _with(names: tuple[str, ...], why: str) -> Guess:
    return Guess(key="build.with", value=names, why=why)


def _run(program: Program) -> str:
    host = " --host 127.0.0.1" if program.takes_host else ""
    port = " --port $PORT" if program.port_by == "--port" else ""
    return f"python -m {program.module}{host}{port}"


def _script(project: Project, modules: tuple[Module, ...]) -> str | None:
    by_name = {m.importable: m for m in modules}
    for name, target in project.scripts.items():
        module = by_name.get(target.partition(":")[0])
        if module and port_of(module, by_name)[0] == "--port" and not is_development_server(module, by_name):
            return name
    return None


def _served(project: Project, found: tuple[Application, ...]) -> Start:
    application = found[0]
    servers = _SERVERS[application.interface]
    server = next((name for name in servers if _ships(project, name)), None)
    command = servers[server or next(iter(servers))].format(target=_target(application, server))
    others = f"; also found: {', '.join(a.where for a in found[1:4])}" if found[1:] else ""
    why = f"{application.interface} application {application.name} in {application.where}{others}"
    if server:
        return _own(command, f"{why}; {server} is among the dependencies")
    server = next(iter(servers))
    extras = [name for name, needs in project.extras.items() if server in _names(needs)]
    instead = f"; the extra {extras[0]} has it too: build.extras would ship that instead" if extras else ""
    return Start(
        command=Guess(key="start.command", value=command, why=why),
        with_packages=_with((server,), f"no {application.interface} server is among the dependencies{instead}"),
    )


def _target(application: Application, server: str | None) -> str:
    name = f"{application.module}:{application.name}"
    if not application.is_factory:
        return name
    if server == "waitress":
        return f"--call {name}"
    return f"--factory {name}" if application.interface is Interface.ASGI else f"'{name}()'"


def _ships(project: Project, server: str) -> bool:
    return server in _names(project.dependencies)


def _names(requirements: tuple[str, ...]) -> set[str]:
    names: set[str] = set()
    for text in requirements:
        try:
            found = Requirement(text)
        except InvalidRequirement:
            continue
        names.add(canonicalize_name(found.name))
        if canonicalize_name(found.name) == "fastapi" and found.extras & {"standard", "all"}:
            names.add("uvicorn")
    return names
