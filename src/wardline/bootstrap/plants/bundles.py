"""A service of a few lines, as a real bundle: what the other plants spoil."""

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from wardline.adapters.builds.bundle import pack
from wardline.adapters.builds.wheels import Wheel

NAME: Final = "planted-service"
VERSION: Final = "1.0"

# Healthy; never healthy; ending at once; healthy, and every other answer an error.
SERVICE: Final = """
import os, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        mode = os.environ.get("MODE", "")
        sick = mode == "sick" or (mode == "failing" and self.path != "/healthz")
        self.send_response(500 if sick else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *_):
        pass

def main():
    if os.environ.get("MODE") == "ends":
        sys.exit(3)
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()

if __name__ == "__main__":
    main()
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A bundle and its wheel."""

    bundle: Path
    wheel: Wheel


def make_bundle(folder: Path, *, name: str = NAME, module: str = "planted_service") -> Made:
    """Make the bundle of a service that is one module."""
    folder.mkdir(parents=True, exist_ok=True)
    info = f"{name.replace('-', '_')}-{VERSION}.dist-info"
    members = {
        f"{module}.py": SERVICE,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {VERSION}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: wardline\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    members[f"{info}/RECORD"] = "".join(f"{member},,\n" for member in [*members, f"{info}/RECORD"])
    path = folder / f"{name.replace('-', '_')}-{VERSION}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for member, text in members.items():
            archive.writestr(zipfile.ZipInfo(member), text)  # of one time: the same bytes at each self-test
    wheel = Wheel.read(path)
    pack([wheel], folder / f"{name}.bundle", service=wheel)
    return Made(bundle=folder / f"{name}.bundle", wheel=wheel)
