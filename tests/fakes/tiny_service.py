"""A service of thirty lines in a repository of its own, and the command that ships it: real parts, no network."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

WARDLINE = (sys.executable, "-c", "from wardline.cli.main import main; main()")
PASSPHRASE = "correct horse battery staple"

# What a build backend does, without the network.
_MAKE_WHEEL = """
import os, pathlib, sys, time, zipfile
version = sys.argv[1]
info = f"tiny-{version}.dist-info"
members = {"tiny.py": pathlib.Path("tiny.py").read_text(),
           f"{info}/METADATA": f"Metadata-Version: 2.1\\nName: tiny\\nVersion: {version}\\n",
           f"{info}/WHEEL": "Wheel-Version: 1.0\\nGenerator: t\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
           f"{info}/top_level.txt": "tiny\\n"}
members[f"{info}/RECORD"] = "".join(f"{m},,\\n" for m in [*members, f"{info}/RECORD"])
os.makedirs("dist", exist_ok=True)
with zipfile.ZipFile(f"dist/tiny-{version}-py3-none-any.whl", "w") as archive:
    for member, text in members.items():
        archive.writestr(zipfile.ZipInfo(member, time.gmtime(int(os.environ["SOURCE_DATE_EPOCH"]))[:6]), text)
"""

# MODE=sick: never healthy; MODE=dies: ends a moment after callers have come.
_TINY = """
import os, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    asked = 0
    def do_GET(self):
        mode = os.environ.get("MODE", "")
        Handler.asked += 1
        if mode == "dies" and Handler.asked > 4:
            os._exit(3)
        self.send_response(503 if mode == "sick" else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *_):
        pass

def main():
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()

if __name__ == "__main__":
    main()
"""

# What a test runner leaves.
CHECK = """
import pathlib, tiny
pathlib.Path("junit.xml").write_text("<testsuite><testcase name='a'/><testcase name='b'/></testsuite>")
pathlib.Path("coverage.xml").write_text(
    f"<coverage lines-valid='10' lines-covered='9'><packages><package><classes><class filename='{tiny.__file__}'/>"
    "</classes></package></packages></coverage>")
"""

_YAML = """\
wardline: 1
service: {{name: tiny, owner: nobody, criticality: administrative, data: [none]}}
regulations: [hipaa]
build: {{run: "{build}", artifact: "{artifact}", timeout: {build_timeout}{lock}}}
test:
  {{run: "{test}", junit: junit.xml, coverage: coverage.xml, standards: {{min_coverage: 80}}, timeout: {test_timeout}}}
scan: {{code: [bandit]}}
start: {{command: "python -m tiny $PORT", health: /healthz, timeout: 3s}}
environments:
  staging:
    target: {{kind: local{port}}}
    config: {{MODE: "{mode}"}}
    secrets: {{{secrets}}}
    strategy: {{kind: blue-green, analysis: {{lasting: 2s, min_requests: 1}}}}
  production:
    target: {{kind: local}}
    strategy: {{kind: blue-green, analysis: {{lasting: 500ms, min_requests: 1}}}}
    approvals: [{{role: clinical-safety}}, {{role: compliance}}]
    approvals_within: {within}
rollback: {{rehearse_in: staging}}
"""
_GOOD = {
    "build": "python make_wheel.py 1.0",
    "artifact": "dist/*.whl",
    "build_timeout": "60s",
    "lock": "",
    "test": "python check.py",
    "test_timeout": "60s",
    "port": "",
    "mode": "",
    "secrets": "",
    "within": "72h",
}


def wardline_yaml(**changed: str) -> str:
    return _YAML.format(**{**_GOOD, **changed})


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict:
        return json.loads(self.out)

    def __str__(self) -> str:
        return f"exit {self.code}\n{self.out}\n{self.err}"


@dataclass(frozen=True, kw_only=True)
class TinyWorld:
    """One installation, one repository with one tiny service."""

    folder: Path
    environ: Mapping[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def repository(self) -> Path:
        return self.folder / "repository"

    def run(
        self, *arguments: str | Path, without: tuple[str, ...] = (), largest_file: int | None = None, **environ: str
    ) -> Ended:
        every = self.environment(**environ)
        limit = () if largest_file is None else ("prlimit", f"--fsize={largest_file}")
        done = subprocess.run(
            [*limit, *WARDLINE, *map(str, arguments)],
            cwd=self.folder,
            env={name: value for name, value in every.items() if name not in without},
            text=True,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=120,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Ended(code=done.returncode, out=done.stdout, err=done.stderr)

    def environment(self, **environ: str) -> dict[str, str]:
        own = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "WARDLINE_HOME": str(self.home),
            "WARDLINE_PASSPHRASE": PASSPHRASE,
            "PIP_NO_INDEX": "1",
            "PIP_CONFIG_FILE": os.devnull,
        }
        return {**own, **self.environ, **environ}

    def commit(
        self, files: Mapping[str, str] | None = None, *, author: str = "devi@example.org", **changed: str
    ) -> str:
        """Commit the service with `changed` in its wardline.yaml, and `files` beside it; return the commit."""
        content = {
            "make_wheel.py": _MAKE_WHEEL,
            "tiny.py": _TINY,
            "check.py": CHECK,
            "wardline.yaml": wardline_yaml(**changed),
            **(files or {}),
        }
        self.repository.mkdir(exist_ok=True)
        for name, text in content.items():
            (self.repository / name).write_text(text)
        if not (self.repository / ".git").exists():
            self.git("init", "-q", "-b", "main")
        self.git("add", "-A")
        self.git("-c", f"user.email={author}", "-c", "user.name=X", "commit", "-q", "--allow-empty", "-m", "a change")
        return self.git("rev-parse", "HEAD").strip()

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", "-c", "commit.gpgsign=false", *arguments],
            cwd=self.repository,
            env=self.environment(),
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout

    def ship(self, **environ: str) -> Ended:
        return self.run("ship", self.repository, "--output", "json", **environ)

    def enrol(self) -> None:
        """An administrator, the author, and one person for each role that production asks."""
        for name in ("admin", "devi", "sam", "cleo"):
            assert self.run("keys", "new", self.folder / f"{name}.key").code == 0
        people = {
            "admin": ("administrator",),
            "devi": ("developer", "clinical-safety"),
            "sam": ("clinical-safety", "compliance"),
            "cleo": ("compliance",),
        }
        for name, roles in people.items():
            known = ("--name", name, "--email", f"{name}@example.org")
            wanted = [part for role in roles for part in ("--role", role)]
            public = () if name == "admin" else ("--public-key", self.folder / f"{name}.key.pub")
            done = self.run(
                "people", "enrol", f"p-{name}", *wanted, *public, *known, "--key", self.folder / "admin.key"
            )
            assert done.code == 0, done

    def evidence(self, run: str) -> list[dict]:
        return self.run("runs", "show", run, "--output", "json").json["evidence"]

    def serving(self, environment: str) -> str | None:
        """The release that status says callers are answered by, there where it also runs."""
        for each in self.run("status", "--output", "json").json:
            if each["environment"].endswith(f"/{environment}"):
                assert each["weights"] == ({} if each["serves"] is None else {each["serves"]["id"]: 100}), each
                assert not each["drifted"], each
                return None if each["serves"] is None else each["serves"]["id"]
        return None

    def stop(self) -> None:
        self.run("environments", "stop", "all")


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]
