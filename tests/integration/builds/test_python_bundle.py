"""Building: a service's own wheel by its own command, its dependencies beside it, and a clear word where it stops."""

import os
import subprocess
import zipfile
from datetime import UTC, datetime, timedelta

import pytest

from wardline.adapters.builds.bundle import contents
from wardline.adapters.builds.python_bundle import PythonBundles
from wardline.adapters.builds.workbench import Shop
from wardline.canonical import Digest
from wardline.clock import ManualClock
from wardline.findings.redactor import StreamingRedactor
from wardline.pipelines.building import Built, Stopped
from wardline.pipelines.spec import BuildSpec

# What a build backend does, in ten lines and without the network.
MAKE_WHEEL = """
import os, sys, time, zipfile
name, version, *requires = sys.argv[1:]
info = f"{name}-{version}.dist-info"
members = {f"{name}/__init__.py": f"VERSION = {version!r}\\n",
           f"{info}/METADATA": f"Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\nProvides-Extra: x\\n"
           + "".join(f"Requires-Dist: {r}\\n" for r in requires),
           f"{info}/WHEEL": "Wheel-Version: 1.0\\nGenerator: t\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"}
members[f"{info}/RECORD"] = "".join(f"{m},,\\n" for m in [*members, f"{info}/RECORD"])
os.makedirs("dist", exist_ok=True)
with zipfile.ZipFile(f"dist/{name}-{version}-py3-none-any.whl", "w") as archive:
    for member, text in members.items():
        archive.writestr(zipfile.ZipInfo(member, time.gmtime(int(os.environ["SOURCE_DATE_EPOCH"]))[:6]), text)
"""
pytestmark = pytest.mark.slow  # pip takes seconds each time

COMMITTED = datetime(2026, 11, 1, tzinfo=UTC).timestamp()


def make(folder, *arguments):
    """Make a wheel in `folder`/dist."""
    folder.mkdir(exist_ok=True)
    env = {"SOURCE_DATE_EPOCH": "1700000000", "PATH": os.environ["PATH"]}
    subprocess.run(["python3", "-c", MAKE_WHEEL, *arguments], cwd=folder, env=env, check=True)
    return folder / "dist" / f"{arguments[0]}-{arguments[1]}-py3-none-any.whl"


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "source"
    folder.mkdir()
    write(folder, "make_wheel.py", MAKE_WHEEL)
    return folder


def write(folder, name, text):
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    os.utime(folder / name, (COMMITTED, COMMITTED))


@pytest.fixture
def index(tmp_path):
    """The only place packages come from."""
    make(tmp_path / "index", "lib", "2.0")
    make(tmp_path / "index", "lib", "1.0")
    make(tmp_path / "index", "server", "5.0", "lib")
    make(tmp_path / "index", "tool", "1.0")
    return tmp_path / "index" / "dist"


@pytest.fixture
def builder(tmp_path, index):
    environ = {
        "PATH": os.environ["PATH"], "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(index), "PIP_CONFIG_FILE": os.devnull,
        "SECRET_TOKEN": "never-passed-on",
    }  # fmt: skip
    shop = Shop(environ=environ, cache=tmp_path / "cache", redactor=StreamingRedactor)
    return PythonBundles(shop=shop, clock=ManualClock(datetime(2026, 11, 23, tzinfo=UTC)))


@pytest.fixture
def build(tmp_path, source, builder):
    def act(run="python make_wheel.py svc 1.0 'lib>=2'", *, work="work", say=lambda line: None, **spec):
        made = BuildSpec(run=run, **{"artifact": "dist/*.whl", **spec})
        return builder.build(source, made, work=tmp_path / work, say=say)

    return act


def names(built):
    assert isinstance(built, Built), built
    return [f"{package.name} {package.version}" for package in built.artifact.packages]


def stopped(found, code, *, errored):
    assert isinstance(found, Stopped), found
    assert (found.code, found.errored) == (code, errored)
    return found.words


def test_a_service_and_what_it_needs_become_one_bundle(build):
    lines = []
    built = build(say=lines.append)
    assert names(built) == ["lib 2.0", "svc 1.0"]
    assert (built.artifact.name, built.artifact.version, built.locked) == ("svc", "1.0", False)
    assert built.artifact.digest == Digest.of(built.bundle.read_bytes())
    assert contents(built.bundle).packages == built.artifact.packages
    assert built.bundle.name == "svc-1.0.bundle"
    assert lines[0] == "$ python make_wheel.py svc 1.0 'lib>=2'"
    assert b"$ pip wheel" in built.output


def test_the_same_commit_builds_the_same_bundle(build):
    assert build(work="one").artifact == build(work="two").artifact


def test_extras_and_what_runs_beside_it_are_shipped_too(build):
    run = "python make_wheel.py svc 1.0 \"tool; extra == 'x'\""
    assert names(build(run, extras=("x",), with_packages=("server>=5",))) == [
        "lib 2.0",
        "server 5.0",
        "svc 1.0",
        "tool 1.0",
    ]


def test_an_extra_that_the_service_does_not_have_is_said_so(build):
    words = stopped(build(extras=("postgres",)), "extra-unknown", errored=False)
    assert words == "build.extras: svc 1.0 has no extra postgres; expected one of x"


def test_a_built_bundle_installs(build, builder, tmp_path):
    built = build()
    builder.install(built.bundle, tmp_path / "venv")
    code = "import svc, lib; print(svc.VERSION, lib.VERSION)"
    answer = subprocess.run([tmp_path / "venv/bin/python", "-c", code], check=True, capture_output=True, timeout=60)
    assert answer.stdout == b"1.0 2.0\n"


def test_the_build_runs_in_its_own_environment_with_scrubbed_variables(build, source):
    run = "env; python -c 'import sys; print(sys.prefix)'; python -m pip list; python make_wheel.py svc 1.0"
    output = build(run).output.decode()
    assert "never-passed-on" not in output
    assert f"SOURCE_DATE_EPOCH={int(COMMITTED)}" in output
    assert f"HOME={os.environ['HOME']}\n" not in output
    assert "work/build-venv\n" in output
    assert [line.split()[0] for line in output.splitlines() if line.startswith(("pip ", "pytest "))] == ["pip"]
    assert [path.name for path in source.iterdir()] == ["make_wheel.py"]


def test_tools_the_build_needs_are_there(build):
    assert names(build("python -c 'import tool' && python make_wheel.py svc 1.0", requirements=("tool",))) == [
        "svc 1.0"
    ]
    words = stopped(build(work="again", requirements=("no-such-tool",)), "build-tools", errored=True)
    assert "build.requirements" in words


def test_a_build_that_fails_says_how(build):
    found = build("echo 'password=hunter2'; echo broken >&2; exit 3")
    assert stopped(found, "build-failed", errored=False) == "build.run: the command ended with exit code 3"
    assert found.exit_code == 3
    assert found.output.endswith(b"password=[REDACTED:secret]\nbroken\n")


def test_a_build_that_hangs_is_ended(build):
    words = stopped(build("sleep 1000", timeout=timedelta(seconds=0.5)), "timed-out", errored=True)
    assert "not done after 0:00:00.500000" in words


@pytest.mark.parametrize(
    ("run", "spec", "code", "word"),
    [
        ("true", {}, "artifact-not-found", "nothing matches dist/*.whl"),
        ("python make_wheel.py svc 1; python make_wheel.py svc 2", {}, "artifact-ambiguous", "matches 2 files"),
        ("mkdir dist; ln -s /etc/hostname dist/a.whl", {}, "artifact-outside", "a.whl is no plain file"),
        ("mkdir -p dist/a.whl", {}, "artifact-outside", "a.whl is no plain file"),
        ("mkdir ../out; touch ../out/a.whl; ln -s ../out dist", {}, "artifact-outside", "a.whl is no plain file"),
        ("mkdir dist; echo x > dist/svc-1-py3-none-any.whl", {}, "artifact-invalid", "is no valid wheel"),
        ("mkdir dist; echo x > dist/x.tar.gz", {"artifact": "dist/*"}, "artifact-invalid", "is no valid wheel"),
    ],
)
def test_an_artifact_that_is_not_exactly_one_wheel_stops(build, run, spec, code, word):
    assert word in stopped(build(run, **spec), code, errored=False)


def test_a_wheel_that_was_committed_is_not_the_one_that_was_built(build, source):
    make(source, "svc", "0.9")
    assert names(build("python make_wheel.py svc 1.0")) == ["svc 1.0"]
    stopped(build("true", work="again"), "artifact-not-found", errored=False)


def test_a_dependency_nobody_has_is_errored(build):
    found = build("python make_wheel.py svc 1.0 'no-such-thing>=9'")
    assert "could not be resolved" in stopped(found, "dependencies-unresolved", errored=True)
    assert b"no-such-thing" in found.output


def locked(index, *wheels):
    digests = {
        wheel: Digest.of((index / f"{wheel.replace('==', '-')}-py3-none-any.whl").read_bytes()) for wheel in wheels
    }
    return "".join(f"{wheel} --hash={digest}\n" for wheel, digest in digests.items())


def test_a_lock_decides_which_versions_are_shipped(build, source, index):
    write(source, "requirements.lock", "# pinned\n" + locked(index, "lib==1.0"))
    built = build("python make_wheel.py svc 1.0 lib", lock="requirements.lock")
    assert names(built) == ["lib 1.0", "svc 1.0"]
    assert built.locked


def test_a_line_without_a_hash_is_named_before_anything_runs(build, source, index, tmp_path):
    write(source, "locks/prod.txt", locked(index, "lib==2.0") + "\nserver==5.0\n")
    words = stopped(build("touch ran", lock="locks/prod.txt"), "dependency-without-hash", errored=False)
    assert words == "locks/prod.txt:3: dependency without a hash: server"
    assert not list(tmp_path.rglob("ran"))


def test_a_lock_that_lacks_something_is_said_so(build, source, index):
    write(source, "requirements.lock", locked(index, "server==5.0"))
    found = build("python make_wheel.py svc 1.0 server 'tool>1'", lock="requirements.lock")
    words = stopped(found, "lock-incomplete", errored=False)
    assert "lib" in words
    assert "tool>1" in words


def test_a_file_that_is_not_the_locked_one_is_not_taken(build, source):
    write(source, "requirements.lock", f"lib==2.0 --hash=sha256:{'0' * 64}\n")
    found = build(lock="requirements.lock")
    stopped(found, "dependencies-unresolved", errored=True)
    assert b"THESE PACKAGES DO NOT MATCH THE HASHES" in found.output


def test_a_build_cannot_open_the_lock_after_it_was_checked(build, source, index):
    write(source, "requirements.lock", locked(index, "lib==1.0"))
    run = "echo lib==2.0 > requirements.lock; python make_wheel.py svc 1.0 lib"
    assert names(build(run, lock="requirements.lock")) == ["lib 1.0", "svc 1.0"]


def test_a_lock_that_is_not_there_is_said_so(build):
    assert "build.lock: nowhere.txt" in stopped(build(lock="nowhere.txt"), "lock-not-found", errored=False)


def test_a_lock_cannot_replace_the_service_itself(build, source, index):
    make(index.parent, "svc", "7.0")
    write(source, "requirements.lock", locked(index, "lib==2.0", "svc==7.0"))
    assert "two wheels of svc" in stopped(build(lock="requirements.lock"), "dependencies-ambiguous", errored=False)


def test_the_wheels_times_come_from_the_commit(build, tmp_path):
    build()
    with zipfile.ZipFile(tmp_path / "work/wheels/svc-1.0-py3-none-any.whl") as archive:
        assert {member.date_time for member in archive.infolist()} == {(2026, 11, 1, 0, 0, 0)}
