"""Web applications, programs and routes in Python sources, found in their syntax trees and never by importing them."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from wardline.pipelines.syntax import assigned, dotted, imported, literal, read_tree, texts

_ASIDE = frozenset({
    "test", "tests", "testing", "doc", "docs", "example", "examples", "bench", "benchmarks", "build", "dist", "env",
    "venv", "node_modules", "migrations", "scripts", "tools", "site-packages",
})  # fmt: skip
_NOT_SHIPPED = frozenset({"setup.py", "conftest.py", "noxfile.py", "tasks.py", "fabfile.py", "manage.py"})
_ROOTS = ("src/", "lib/")  # folders that hold packages and are none
_FACTORIES = frozenset({"create_app", "make_app", "build_app", "get_app", "app_factory", "application_factory"})
_ROUTING = frozenset({"route", "api_route", "add_url_rule", "add_route", "add_api_route", "get"})
_ROUTE_CALLS = frozenset({"starlette.routing.Route", "django.urls.path"})


class Interface(StrEnum):
    WSGI = "WSGI"  # PEP 3333
    ASGI = "ASGI"


_CONSTRUCTORS = {
    "flask.Flask": Interface.WSGI,
    "bottle.Bottle": Interface.WSGI,
    "falcon.App": Interface.WSGI,
    "django.core.wsgi.get_wsgi_application": Interface.WSGI,
    "fastapi.FastAPI": Interface.ASGI,
    "starlette.applications.Starlette": Interface.ASGI,
    "quart.Quart": Interface.ASGI,
    "litestar.Litestar": Interface.ASGI,
    "falcon.asgi.App": Interface.ASGI,
    "django.core.asgi.get_asgi_application": Interface.ASGI,
}
_DEVELOPMENT_SERVERS = frozenset({"flask.Flask", "bottle.Bottle", "quart.Quart"})  # their own `run` is for developers
_PLAIN = {("environ", "start_response"): Interface.WSGI, ("scope", "receive", "send"): Interface.ASGI}


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """One source file that is shipped. `name` ends in `.__init__` or `.__main__` where the file does."""

    path: str
    name: str
    tree: ast.Module

    @property
    def importable(self) -> str:
        return self.name.removesuffix(".__init__").removesuffix(".__main__")

    def at(self, node: ast.AST) -> str:
        return f"{self.path}:{getattr(node, 'lineno', 1)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """A callable that a server runs. `made_by` is a dotted constructor, or "" for a plain callable."""

    module: str
    name: str
    interface: Interface
    made_by: str
    is_factory: bool
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A module that runs by `python -m`, and how it learns its port: `--port`, `PORT` or not at all."""

    module: str
    port_by: str | None
    takes_host: bool
    is_development_server: bool
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    path: str
    where: str
    is_declared: bool  # to a framework; else it only stands in the source


def read_modules(files: Mapping[str, str]) -> tuple[Module, ...]:
    """Return the modules that are shipped: no tests, no documentation, nothing this Python cannot read."""
    found: list[Module] = []
    for path, text in sorted(files.items()):
        *folders, name = path.split("/")
        if not name.endswith(".py") or name in _NOT_SHIPPED or name.startswith("test_") or name.endswith("_test.py"):
            continue
        if _ASIDE.intersection(folders) or any(folder.startswith(".") for folder in folders):
            continue
        tree = read_tree(text)
        if tree is not None:
            found.append(Module(path=path, name=_dotted_path(path, files), tree=tree))
    return tuple(found)


def packages(modules: tuple[Module, ...]) -> tuple[str, ...]:
    """Return the top-level packages and single modules, by their import names."""
    return tuple(dict.fromkeys(m.name.partition(".")[0] for m in modules))


def applications(modules: tuple[Module, ...]) -> tuple[Application, ...]:
    """Return what a server could run, the likeliest first: objects before factories, `app` before other names."""
    found = [application for module in modules for application in _applications(module)]
    likely = {"app": 0, "application": 1, "api": 2}
    return tuple(sorted(found, key=lambda a: (a.is_factory, likely.get(a.name, 3), a.module.count("."), a.module)))


def programs(modules: tuple[Module, ...]) -> tuple[Program, ...]:
    """Return the modules that start something, packages' own `__main__` first."""
    by_name = {m.name: m for m in modules} | {m.importable: m for m in modules if not m.name.endswith(".__main__")}
    found = [_program(module, by_name) for module in modules if _is_program(module)]
    return tuple(sorted(found, key=lambda p: (p.port_by is None, p.module.count("."), p.module)))


def port_of(module: Module, by_name: Mapping[str, Module]) -> tuple[str | None, bool]:
    """Return how `module`, with the modules it imports, learns its port; and whether it can be told its host."""
    said = set[str]().union(*(texts(m.tree) for m in _reached(module, by_name)))
    by = "--port" if "--port" in said else "PORT" if "PORT" in said else None
    return by, "--host" in said


def is_development_server(module: Module, by_name: Mapping[str, Module]) -> bool:
    """Return whether `module`, or one it imports, starts a framework's own server, made for developers."""
    return any(_runs_development_server(m) for m in _reached(module, by_name))


def routes(modules: tuple[Module, ...]) -> tuple[Route, ...]:
    return tuple(route for module in modules for route in (*_declared(module), *_mentioned(module)))


def _dotted_path(path: str, files: Mapping[str, str]) -> str:
    for root in _ROOTS:
        if path.startswith(root) and f"{root}__init__.py" not in files:
            path = path.removeprefix(root)
    return path.removesuffix(".py").replace("/", ".")


def _applications(module: Module) -> Iterator[Application]:
    names = imported(module.tree, module.name)
    classes = {n.name: _plain_class(n) for n in module.tree.body if isinstance(n, ast.ClassDef)}
    for node in _top_level(module.tree.body):
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and isinstance(node.value, ast.Call):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            made_by = _whole_name(node.value.func, names)
            interface = _CONSTRUCTORS.get(made_by) or classes.get(made_by)
            if isinstance(target, ast.Name) and interface:
                yield _application(module, target.id, interface, made_by=made_by, node=node)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield from _callables(module, node, names)


def _callables(
    module: Module, node: ast.FunctionDef | ast.AsyncFunctionDef, names: Mapping[str, str]
) -> Iterator[Application]:
    plain = _PLAIN.get(tuple(a.arg for a in node.args.args))
    if plain:
        yield _application(module, node.name, plain, made_by="", node=node)
    if node.name not in _FACTORIES or len(node.args.args) > len(node.args.defaults):
        return
    for call in (n for n in ast.walk(node) if isinstance(n, ast.Call)):
        made_by = _whole_name(call.func, names)
        if made_by in _CONSTRUCTORS:
            yield _application(module, node.name, _CONSTRUCTORS[made_by], made_by=f"{made_by}()", node=node)
            return


def _application(module: Module, name: str, interface: Interface, *, made_by: str, node: ast.AST) -> Application:
    return Application(
        module=module.importable,
        name=name,
        interface=interface,
        made_by=made_by.removesuffix("()"),
        is_factory=made_by.endswith("()"),
        where=module.at(node),
    )


def _plain_class(node: ast.ClassDef) -> Interface | None:
    calls = [n for n in node.body if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef)) and n.name == "__call__"]
    return next((_PLAIN.get(tuple(a.arg for a in call.args.args[1:])) for call in calls), None)


def _whole_name(node: ast.expr, names: Mapping[str, str]) -> str:
    head, dot, rest = dotted(node).partition(".")
    return f"{names.get(head, head)}{dot}{rest}"


def _top_level(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements a module runs when imported, also within `if` and `try`."""
    for node in body:
        yield node
        if isinstance(node, ast.If):
            yield from _top_level([*node.body, *node.orelse])
        if isinstance(node, ast.Try):
            yield from _top_level([*node.body, *node.orelse])


def _is_program(module: Module) -> bool:
    guards = (ast.dump(n.test) for n in module.tree.body if isinstance(n, ast.If))
    return module.name.endswith("__main__") or any("'__name__'" in g and "'__main__'" in g for g in guards)


def _program(module: Module, by_name: Mapping[str, Module]) -> Program:
    port_by, takes_host = port_of(module, by_name)
    return Program(
        module=module.importable,
        port_by=port_by,
        takes_host=takes_host,
        is_development_server=is_development_server(module, by_name),
        where=module.at(module.tree),
    )


def _reached(module: Module, by_name: Mapping[str, Module]) -> list[Module]:
    """Return `module` and the modules of the project that it imports itself."""
    names = imported(module.tree, module.name).values()
    near = [by_name.get(name) or by_name.get(name.rpartition(".")[0]) for name in names]
    return [module, *(m for m in near if m is not None and m is not module)]


def _runs_development_server(module: Module) -> bool:
    own = {a.name for a in _applications(module) if a.made_by in _DEVELOPMENT_SERVERS}
    return any(
        isinstance(n, ast.Call)
        and isinstance(n.func, ast.Attribute)
        and n.func.attr == "run"
        and dotted(n.func.value) in own
        for n in ast.walk(module.tree)
    )


def _declared(module: Module) -> Iterator[Route]:
    for node, lead in _routing_calls(module):
        for path in _paths(node.args[0], module.tree) if _answers_get(node) else ():
            yield Route(path=lead + path, where=module.at(node), is_declared=True)


def _routing_calls(module: Module) -> Iterator[tuple[ast.Call, str]]:
    """Yield the calls that declare routes, each with what stands before its paths."""
    names = imported(module.tree, module.name)
    decorators = {id(d) for n in ast.walk(module.tree) for d in getattr(n, "decorator_list", ())}
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        called = _whole_name(node.func, names)
        # `get` is a route only as a decorator: anything has a `get`.
        if called in _ROUTE_CALLS or (method in _ROUTING and (method != "get" or id(node) in decorators)):
            yield node, "/" if called == "django.urls.path" else _prefix(node.func, module.tree)


def _answers_get(node: ast.Call) -> bool:
    methods = next((k.value for k in node.keywords if k.arg == "methods"), None)
    given = None if methods is None else _evaluated(methods)
    return not isinstance(given, (list, tuple, set)) or "GET" in given


def _evaluated(node: ast.expr) -> object | None:
    return literal(node, ast.Module(body=[], type_ignores=[]))


def _paths(node: ast.expr, tree: ast.Module) -> list[str]:
    found = assigned(tree, node.id) if isinstance(node, ast.Name) else [_evaluated(node)]
    return [path for path in found if isinstance(path, str)]


def _prefix(function: ast.expr, tree: ast.Module) -> str:
    """Return the prefix that the blueprint or router behind a decorator was made with, in this module."""
    owner = dotted(function.value) if isinstance(function, ast.Attribute) else ""
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and dotted(node.targets[0]) == owner:
            given = [_evaluated(k.value) for k in node.value.keywords if k.arg in {"prefix", "url_prefix"}]
            return next((p for p in given if isinstance(p, str)), "")
    return ""


def _mentioned(module: Module) -> Iterator[Route]:
    if any(_routing_calls(module)):
        return  # its routes are declared: other texts are no routes
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("/"):
            yield Route(path=node.value, where=module.at(node), is_declared=False)
