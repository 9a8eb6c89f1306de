import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wardline.errors import InvalidInput
from wardline.pipelines.detect import detect
from wardline.pipelines.draft import MIN_COVERAGE, write_draft
from wardline.pipelines.guesses import Guess
from wardline.pipelines.parse import parse
from wardline.pipelines.projects import is_locked, is_plain

TEST = {"tests/test_it.py": "def test_it(): pass\n"}
PYPROJECT = '[project]\nname = "care-api"\ndependencies = [{}]\n'


def guessed(files: dict[str, str], folder: str = "repo") -> dict[str, Guess]:
    return {guess.key: guess for guess in detect(files, folder=folder)}


def value(files: dict[str, str], key: str) -> object:
    return guessed(files)[key].value


def test_flask_application_gets_a_server_that_is_shipped_with_it():
    files = {
        "pyproject.toml": PYPROJECT.format('"flask>=3"') + '[project.optional-dependencies]\nserve = ["gunicorn"]\n',
        "care/__init__.py": "from .core import *\n",
        "care/core.py": "from flask import Flask\napp = Flask(__name__)\n"
        '@app.route("/status", methods=["POST"])\ndef change(): ...\n'
        'front = "/"\n@app.route(front)\ndef index(): ...\n'
        'if __name__ == "__main__":\n    import argparse\n    p = argparse.ArgumentParser()\n'
        '    p.add_argument("--port")\n'
        "    app.run(port=5000)\n",
        **TEST,
    }
    found = guessed(files)
    # Flask's own server is for developers, though it takes --port.
    assert found["start.command"].value == "gunicorn --bind 127.0.0.1:$PORT care.core:app"
    assert "care/core.py:2" in found["start.command"].why
    assert found["build.with"].value == ("gunicorn",)
    assert "the extra serve has it too" in found["build.with"].why
    assert found["start.health"].value == "/"  # POST /status says nothing about health
    assert found["scan.paths"].value == ("care",)
    assert found["service.name"].value == "care-api"


def test_declared_server_is_used_and_nothing_is_added():
    files = {
        "pyproject.toml": PYPROJECT.format('"flask", "waitress>=3"'),
        "src/care/__init__.py": "",
        "src/care/web.py": "import flask\ndef create_app(config=None):\n    return flask.Flask('x')\n",
    }
    found = guessed(files)
    assert found["start.command"].value == "waitress-serve --listen=127.0.0.1:$PORT --call care.web:create_app"
    assert found["build.with"].value == ()
    assert found["scan.paths"].value == ("src/care",)


def test_fastapi_with_its_standard_extra_brings_uvicorn():
    files = {
        "pyproject.toml": PYPROJECT.format('"fastapi[standard]"'),
        "care/main.py": "from fastapi import APIRouter, FastAPI\napp = FastAPI()\n"
        'router = APIRouter(prefix="/api")\n@router.get("/health")\ndef health(): ...\n',
    }
    found = guessed(files)
    assert found["start.command"].value == "uvicorn --host 127.0.0.1 --port $PORT care.main:app"
    assert found["build.with"].value == ()
    assert found["start.health"].value == "/api/health"


@pytest.mark.parametrize(
    ("source", "command", "server"),
    [
        ("def application(environ, start_response): ...",
         "gunicorn --bind 127.0.0.1:$PORT app:application", "gunicorn"),
        ("async def app(scope, receive, send): ...", "uvicorn --host 127.0.0.1 --port $PORT app:app", "uvicorn"),
        (
            "class Desk:\n    def __call__(self, environ, start_response): ...\ndesk = Desk()",
            "gunicorn --bind 127.0.0.1:$PORT app:desk",
            "gunicorn",
        ),
        (
            "from fastapi import FastAPI\ndef make_app():\n    return FastAPI()",
            "uvicorn --host 127.0.0.1 --port $PORT --factory app:make_app",
            "uvicorn",
        ),
        ("import flask\ndef create_app():\n    return flask.Flask('x')",
         "gunicorn --bind 127.0.0.1:$PORT 'app:create_app()'",
         "gunicorn"),
        ("try:\n    import bottle as b\n    app = b.Bottle()\nexcept ImportError:\n    app = None",
         "gunicorn --bind 127.0.0.1:$PORT app:app", "gunicorn"),
    ],
)  # fmt: skip
def test_application_is_found_by_its_shape(source, command, server):
    found = guessed({"app.py": source})
    assert found["start.command"].value == command
    assert found["build.with"].value == (server,)


def test_program_with_a_port_is_run_itself():
    files = {
        "src/care/__init__.py": "",
        "src/care/__main__.py": "from .server import main\nmain()\n",
        "src/care/server.py": 'import http.server\ndef main():\n    parser.add_argument("--port")\n'
        '    parser.add_argument("--host")\nclass H(http.server.BaseHTTPRequestHandler):\n    def do_GET(self):\n'
        '        if self.path == "/ping": ...\n',
    }
    found = guessed(files)
    assert found["start.command"].value == "python -m care --host 127.0.0.1 --port $PORT"
    assert found["start.health"].value == "/ping"
    assert found["build.with"].value == ()


def test_program_that_reads_port_from_its_environment():
    source = 'import os\nif __name__ == "__main__":\n    serve(int(os.environ["PORT"]))\n'
    assert value({"serve.py": source}, "start.command") == "env PORT=$PORT python -m serve"


def test_console_script_is_read_from_setup_py():
    files = {
        "setup.py": 'from setuptools import setup\nneeds = ["flask"]\nsetup(name="Care_Desk", install_requires=needs,\n'
        '  tests_require=["pytest", "tox"], entry_points={"console_scripts": ["desk = desk.cli:main"]})\n',
        "desk/__init__.py": "",
        "desk/cli.py": 'def main():\n    parser.add_argument("--port")\n',
        **TEST,
    }
    found = guessed(files)
    assert found["service.name"].value == "care-desk"
    assert found["build.run"].value == "python -m pip wheel --no-deps --wheel-dir dist ."
    assert found["start.command"].value == "desk --port $PORT"
    assert found["test.requirements"].value == ("pytest", "pytest-cov")


def test_setup_cfg_is_read():
    files = {
        "setup.cfg": "[metadata]\nname = care\n[options]\ninstall_requires =\n    flask\n    gunicorn>=20  # server\n"
        "[options.extras_require]\ntest =\n    pytest>=7\n    care[more]\n",
        "setup.py": "from setuptools import setup\nsetup()\n",
        "app.py": "from flask import Flask\napp = Flask(__name__)\n",
        **TEST,
    }
    found = guessed(files)
    assert found["start.command"].value == "gunicorn --bind 127.0.0.1:$PORT app:app"
    assert found["build.with"].value == ()
    assert found["test.requirements"].value == ("pytest>=7", "pytest-cov")  # an extra of itself is no requirement


def test_dependency_groups_include_each_other():
    files = {
        "pyproject.toml": PYPROJECT.format("") + "[dependency-groups]\nbase = ['pytest>=9', {include-group = 'loop'}]\n"
        "loop = [{include-group = 'loop'}]\ntest = [{include-group = 'base'}, 'pytest-cov>=7']\n",
    }  # fmt: skip
    assert value(files, "test.requirements") == ("pytest>=9", "pytest-cov>=7")


def test_poetry_project_is_read_by_names():
    files = {"pyproject.toml": '[tool.poetry]\nname = "care"\n[tool.poetry.dependencies]\npython = "^3.11"\n'
             'flask = "^3"\ngunicorn = "*"\n[tool.poetry.group.dev.dependencies]\npytest = "^9"\n',
             "app.py": "import flask\napp = flask.Flask(__name__)\n"}  # fmt: skip
    found = guessed(files)
    assert found["build.with"].value == ()
    assert found["test.requirements"].value == ("pytest", "pytest-cov")


@pytest.mark.parametrize(
    ("name", "text", "requirements"),
    [
        ("requirements-dev.txt", "pytest==9.2.0\n", ("-r requirements-dev.txt",)),
        ("requirements/test.txt", "pytest\npytest-cov # reports\n", ("-r requirements/test.txt",)),
        ("test-requirements.txt", "-e .\npytest\n", ("pytest", "pytest-cov")),
        ("requirements.txt", "flask\n", ("pytest", "pytest-cov")),
    ],
)
def test_requirement_files_of_tests_are_used(name, text, requirements):
    assert value({name: text}, "test.requirements") == requirements


def test_lock_needs_a_hash_on_every_line():
    locked = "flask==3.0 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n# comment\nsix==1 --hash=sha256:cc\n"
    assert is_locked(locked)
    assert is_plain(locked)
    assert not is_locked(locked + "jinja2==3\n")
    assert value({"requirements.lock": locked}, "build.lock") == "requirements.lock"
    assert value({"requirements.txt": "flask\n"}, "build.lock") == ()


def test_lock_without_the_server_is_left_out():
    app = {"app.py": "import flask\napp = flask.Flask('x')\n"}
    lock = "flask==3 --hash=sha256:aa\n"
    assert value({**app, "requirements.lock": lock}, "build.lock") == ()
    assert "lacks gunicorn" in guessed({**app, "requirements.lock": lock})["build.lock"].why
    assert (
        value({**app, "requirements.lock": lock + "gunicorn==23 --hash=sha256:bb"}, "build.lock") == "requirements.lock"
    )


def test_nothing_to_build_and_no_tests_are_left_blank():
    found = guessed({"app.py": "app = 1\n", "requirements.txt": "flask\n"}, folder="2 My Service!")
    assert found["service.name"].value == "my-service"
    for key in ("build.run", "test.run", "start.command", "start.health", "service.owner", "service.criticality"):
        assert found[key].is_blank, key
        assert found[key].why


def test_django_without_pytest_is_left_blank():
    files = {"manage.py": "", "desk/wsgi.py": "from django.core.wsgi import get_wsgi_application\n"
             "application = get_wsgi_application()\n", "desk/tests/test_a.py": ""}  # fmt: skip
    found = guessed(files)
    assert found["test.run"].is_blank
    assert found["start.command"].value == "gunicorn --bind 127.0.0.1:$PORT desk.wsgi:application"


def test_tests_and_examples_are_not_the_service():
    app = "from flask import Flask\napp = Flask(__name__)\n@app.get('/health')\ndef h(): ...\n"
    files = {"tests/app.py": app, "docs/examples/app.py": app, ".tox/app.py": app, "test_app.py": app}
    assert guessed(files)["start.command"].is_blank
    assert guessed(files)["start.health"].is_blank


def test_broken_sources_are_passed_over_and_broken_toml_is_refused():
    assert guessed({"app.py": "def (", "b.py": "\0", "setup.py": "(" * 5000, "setup.cfg": "no section"})
    with pytest.raises(InvalidInput, match=r"pyproject\.toml is not TOML"):
        detect({"pyproject.toml": "["}, folder="repo")


def test_guess_that_cannot_stand_is_left_blank():
    files = {
        "pyproject.toml": PYPROJECT.format('"flask"')
        + '[project.optional-dependencies]\ntest = ["'
        + "a" * 300
        + '"]\n'
    }
    found = guessed(files)["test.requirements"]
    assert found.is_blank
    assert "does not fit" in found.why


sources = st.dictionaries(
    st.sampled_from(["app.py", "src/care/__init__.py", "care/__main__.py", "setup.py", "setup.cfg", "requirements.txt",
                     "requirements-dev.txt", "tests/test_a.py", "wéird\nname.py", "manage.py"]),
    st.lists(
        st.sampled_from([
            "from flask import Flask", "import fastapi", "app = Flask(__name__)", "app = fastapi.FastAPI()", "app: int",
            "@app.get('/health')\ndef f(): ...",
            "if __name__ == '__main__': app.run()", "x = '--port'", "PORT = 'PORT'",
            "from setuptools import setup", "setup(name=f'{x}', install_requires=[1])",
            "setup(name='a: b # c')",
            "[metadata]", "name = on", "pytest # x", "-r other.txt", "a @ https://b/c",
            "def create_app(): return Flask('x')",
            "app.add_url_rule('/up\\n')", "app.route('/<x>/health')", "from . import *", "from .. import a", "(", "\0",
        ]),
        max_size=6,
    ).map("\n".join),
)  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(sources, st.text())
def test_any_sources_make_a_draft_that_only_lacks_its_blanks(files, folder):
    guesses = detect(files, folder=folder)
    text = write_draft((*guesses, Guess(key=MIN_COVERAGE, value=0, why="#:\n\u2028")))
    blanks = {guess.key for guess in guesses if guess.is_blank}
    with pytest.raises(InvalidInput) as refused:
        parse(text, filename="f")
    assert len(refused.value.problems) == len(blanks)
    assert all("still blank: " in problem for problem in refused.value.problems)
    assert {problem.split(": ")[1] for problem in refused.value.problems} == blanks
