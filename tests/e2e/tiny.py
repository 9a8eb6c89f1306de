"""A small real service: a standard-library HTTP server in a setuptools wheel, with two tests."""

PYPROJECT = """\
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"
[project]
name = "tiny"
version = "1.0"
[tool.setuptools]
py-modules = ["tiny"]
"""
SERVICE = """\
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

VERSION = "{version}"


def answer(path):
    return "fine" if path == "/healthz" else VERSION


class Handler(BaseHTTPRequestHandler):
    protocol_version, wbufsize = "HTTP/1.1", -1

    def do_GET(self):
        body = answer(self.path).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
TESTS = """\
import tiny


def test_it_is_healthy():
    assert tiny.answer("/healthz") == "fine"


def test_it_says_its_version():
    assert tiny.answer("/") == tiny.VERSION
"""
PIPELINE = """\
wardline: 1
service: {{name: tiny, owner: nobody, criticality: administrative, data: [none]}}
build: {{run: "{build}", artifact: "dist/*.whl"}}
test:
  run: "pytest -p no:cacheprovider --junitxml=junit.xml --cov=tiny --cov-report=xml:coverage.xml tests"
  junit: junit.xml
  coverage: coverage.xml
  requirements: [pytest, pytest-cov]
  standards: {{min_coverage: 20}}
scan: {{paths: [tiny.py]}}
start: {{command: "python -m tiny $PORT", health: /healthz}}
environments:
  staging:
    target: {{kind: local}}
    strategy: {{kind: blue-green, analysis: {{lasting: 500ms, min_requests: 1}}}}
  production:
    target: {{kind: local, instances: 2}}
    strategy: {{kind: canary, steps: [50, 100], analysis: {{lasting: {lasting}, min_requests: 1}}}}
    approvals: [{{role: clinical-safety}}, {{role: compliance}}]
rollback: {{rehearse_in: staging}}
"""
BUILD = "python -m pip wheel --no-deps --wheel-dir dist ."


def tiny(version: str, *, build: str = BUILD, lasting: str = "1s") -> dict[str, str]:
    """Return the files of the service at `version`."""
    return {
        "pyproject.toml": PYPROJECT,
        "tiny.py": SERVICE.replace("{version}", version),
        "tests/test_tiny.py": TESTS,
        "wardline.yaml": PIPELINE.format(build=build, lasting=lasting),
    }
