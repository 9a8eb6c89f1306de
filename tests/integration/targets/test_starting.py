"""What can go wrong before a release serves: each a clear error, and the environment left as it was."""

import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.targets.local_world import World, until, world

from wardline.errors import IntegrityViolation, InvalidInput, Unavailable
from wardline.ids import ReleaseId
from wardline.pipelines.spec import SecretRef, SecretSource

A, B = ReleaseId("rel-a"), ReleaseId("rel-b")
SECRET = "postgres://clinic:correct-horse-battery@db/1"


@pytest.fixture
def here(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        yield made


def env(name: str) -> SecretRef:
    return SecretRef(source=SecretSource.ENV, locator=name)


def file(path: Path | str) -> SecretRef:
    return SecretRef(source=SecretSource.FILE, locator=str(path))


def test_a_release_that_never_gets_healthy_is_taken_away_again(here: World) -> None:
    here.serve(A)
    with pytest.raises(Unavailable, match=r"rel-b .*not healthy at GET /healthz within 1 s \(answered 500\)"):
        here.target.start(here.key, here.release(B, timeout=1, config={"MODE": "unhealthy"}), generation=2)
    assert here.get() == (200, A)
    assert [i.release for i in here.target.observe(here.key).instances] == [A]
    assert len(here.processes()) == 3, "supervisor, proxy and one instance"


def test_a_release_that_dies_is_given_up_early_and_its_last_words_are_masked(here: World) -> None:
    here.environ["DB"] = SECRET
    release = here.release(
        A, timeout=60, config={"MODE": "dies"}, secrets={"SAYS": env("DB")}
    )  # the service prints what it should not
    with pytest.raises(Unavailable, match="ended 3 times in a row") as caught:
        here.target.start(here.key, release, generation=1)
    assert "starting [SAYS]" in caught.value.what
    assert "cannot reach [e-mail]" in caught.value.what
    assert SECRET not in str(caught.value)
    assert len(caught.value.what.splitlines()) <= 21


def test_a_command_that_does_not_exist_says_so(here: World) -> None:
    release = here.release(A, timeout=20)
    start = type(release.start)(command="no-such-program --port $PORT", health="/", timeout=release.start.timeout)
    broken = type(release)(**{name: getattr(release, name) for name in release.__slots__} | {"start": start})
    with pytest.raises(Unavailable, match="No such file or directory"):
        here.target.start(here.key, broken, generation=1)


def test_an_instance_sees_its_own_variables_and_nothing_of_the_caller(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WARDLINE_SIGNING_PASSPHRASE", "not for services")
    here.environ["DB"] = SECRET
    here.serve(A, config={"PAYER_URL": "http://127.0.0.1:9001"}, secrets={"DATABASE_URL": env("DB")})
    seen = here.ask("/environment")["environment"]
    assert set(seen) - {"LC_CTYPE"} == {
        "PATH", "LANG", "PORT", "WARDLINE_ENVIRONMENT", "WARDLINE_RELEASE", "WARDLINE_DATA_DIR", "WARDLINE_PROCESS",
        "PAYER_URL", "DATABASE_URL",
    }  # fmt: skip
    assert seen["DATABASE_URL"] == SECRET
    assert seen["PATH"].startswith(str(here.place / "releases" / A / "venv" / "bin") + ":")
    assert (seen["WARDLINE_ENVIRONMENT"], seen["WARDLINE_RELEASE"]) == ("staging", A)


def test_secrets_are_in_one_private_file_and_nowhere_else(here: World, tmp_path: Path) -> None:
    here.environ["DB"] = SECRET
    (tmp_path / "token").write_text(f"{SECRET}-from-file\n")
    here.serve(A, secrets={"DATABASE_URL": env("DB"), "TOKEN": file(tmp_path / "token")})
    holding = [p for p in here.place.rglob("*") if p.is_file() and SECRET.encode() in p.read_bytes()]
    assert holding == [here.place / "releases" / A / "environment.json"]
    assert stat.S_IMODE(holding[0].stat().st_mode) == 0o600
    assert stat.S_IMODE(here.place.stat().st_mode) == 0o700
    arguments = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in here.processes()]
    assert len(arguments) == 3
    assert not [words for words in arguments if SECRET.encode() in words]

    here.environ.clear()  # a restart needs Wardline's own environment no more
    here.kill("rel-a/0")
    until(lambda: here.state()["processes"]["rel-a/0"]["ready"], within=10)
    assert here.ask("/environment")["environment"]["TOKEN"] == f"{SECRET}-from-file"


def test_every_secret_that_leads_nowhere_is_named_and_no_value_is(here: World, tmp_path: Path) -> None:
    here.environ |= {"EMPTY": " ", "GOOD": SECRET}
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    secrets = {
        "A": env("MISSING"), "B": env("EMPTY"), "C": file(tmp_path / "nothing"), "D": file("relative"),
        "E": file(tmp_path / "binary"), "F": env("GOOD"), "PORT": env("GOOD"), "WARDLINE_X": env("GOOD"),
    }  # fmt: skip
    with pytest.raises(InvalidInput) as caught:
        here.target.start(here.key, here.release(A, secrets=secrets), generation=1)
    assert [problem.partition(":")[0] for problem in caught.value.problems] == [
        "PORT", "WARDLINE_X", "A", "B", "C", "D", "E",
    ]  # fmt: skip
    assert "A: env:MISSING is not set" in caught.value.problems
    assert "B: env:EMPTY is empty" in caught.value.problems
    assert SECRET not in caught.value.what
    assert here.installed == []
    assert here.processes() == []


def test_a_taken_public_port_is_named(here: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(InvalidInput, match=f"port {port}"):
            here.target.start(here.key, here.release(A, port=port), generation=1)
    assert here.processes() == []
    here.serve(A, port=port)
    assert here.port == port


def test_another_public_port_needs_a_stop_first(here: World) -> None:
    here.serve(A)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(InvalidInput, match=f"served on port {here.port}, the release states {port}"):
        here.target.start(here.key, here.release(B, port=port), generation=1)
    assert here.get() == (200, A)
    here.target.stop(here.key)
    here.serve(B, port=port)
    assert here.target.observe(here.key).url == f"http://127.0.0.1:{port}"


def test_a_port_chosen_once_is_kept(here: World) -> None:
    here.serve(A)
    port = here.port
    here.target.stop(here.key)
    assert here.target.observe(here.key).url is None
    here.serve(B)
    assert here.target.observe(here.key).url == f"http://127.0.0.1:{port}"


def test_a_bundle_that_is_not_the_one_named_is_not_installed(here: World) -> None:
    release = here.release(A)
    here.bundle.write_text("something else")
    with pytest.raises(IntegrityViolation, match="digest"):
        here.target.start(here.key, release, generation=1)
    assert here.installed == []


def test_an_interrupted_installation_is_done_again(here: World) -> None:
    left = here.place / "releases" / A / "venv"
    left.mkdir(parents=True)
    (left / "half-a-file").touch()
    here.serve(A)
    assert here.get() == (200, A)
    assert not (left / "half-a-file").exists()


@pytest.mark.parametrize("name", ["../escape", "", ".hidden", "a/b", "x" * 101])
def test_a_name_that_is_no_folder_is_refused(here: World, name: str) -> None:
    with pytest.raises(InvalidInput, match="cannot be a folder"):
        here.target.start(here.key, here.release(name), generation=1)


def test_paths_longer_than_a_socket_address_work(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100) / ("e" * 100)
    deep.mkdir(parents=True)
    with world(deep) as here:
        here.serve(A)
        assert here.get() == (200, A)
        here.target.start(here.key, here.release(B), generation=1)
        here.target.shift(here.key, {B: 100}, generation=1)
        here.target.withdraw(here.key, A, generation=1)
