"""Wheels, locks and bundles: what they say is checked, and the same wheels are the same bundle."""

import io
import os
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from wardline import canonical
from wardline.adapters.builds import environment
from wardline.adapters.builds.bundle import contents, interpreter, opened, pack
from wardline.adapters.builds.lock import unpinned
from wardline.adapters.builds.wheels import Wheel, missing, top_level
from wardline.errors import IntegrityViolation, InvalidInput, Unavailable

HASH = "--hash=sha256:" + "0" * 64


def wheel(folder, name="svc", version="1.0", *, requires=(), files=None, entry=None):
    folder.mkdir(exist_ok=True)
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    members = dict(files or {f"{name}/__init__.py": f"VERSION = {version!r}\n"})
    members[f"{info}/METADATA"] = metadata + "".join(f"Requires-Dist: {r}\n" for r in requires)
    members[f"{info}/WHEEL"] = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    if entry:
        members[f"{info}/entry_points.txt"] = f"[console_scripts]\n{entry}\n"
    members[f"{info}/RECORD"] = "".join(f"{member},,\n" for member in [*members, f"{info}/RECORD"])
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for member, text in members.items():
            archive.writestr(zipfile.ZipInfo(member), text)
    return Wheel.read(path)


@pytest.fixture
def wheels(tmp_path):
    folder = tmp_path / "wheels"
    files = {"svc/__init__.py": "import lib\n\n\ndef main():\n    print(lib.VERSION)\n", "svc/data.txt": "data"}
    return [
        wheel(folder, "svc", "1.2", requires=["lib>=2"], files=files, entry="svc = svc:main"),
        wheel(folder, "lib", "2.0"),
    ]


@pytest.fixture
def bundle(tmp_path, wheels):
    path = tmp_path / "svc-1.2.bundle"
    pack(wheels, path, service=wheels[0])
    return path


def test_a_wheel_says_who_it_is_and_what_it_needs(tmp_path):
    found = wheel(
        tmp_path, "My.Svc".lower().replace(".", "_"), "1.0", requires=["lib>=2; python_version>'3'", 'x; extra=="y"']
    )
    assert (found.package.name, found.package.version) == ("my-svc", "1.0")
    assert [r.name for r in found.requires] == ["lib", "x"]
    assert found.package.digest == canonical.Digest.of(found.path.read_bytes())


def test_what_is_no_wheel_is_refused(tmp_path):
    for name, content in {"x.whl": b"", "x-1-py3-none-any.whl": b"no zip", "x-1-py3-none-any.zip": b""}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InvalidInput, match="is no valid wheel"):
            Wheel.read(tmp_path / name)


def test_a_wheel_under_a_false_name_is_refused(tmp_path):
    found = wheel(tmp_path, "svc")
    with pytest.raises(InvalidInput, match="is no valid wheel"):
        Wheel.read(found.path.rename(tmp_path / "other-1.0-py3-none-any.whl"))


def test_a_wheel_without_metadata_is_refused(tmp_path):
    path = tmp_path / "svc-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("svc/__init__.py", "")
    with pytest.raises(InvalidInput, match="is no valid wheel"):
        Wheel.read(path)


def test_a_set_is_closed_when_nothing_in_it_needs_more(tmp_path):
    have = [
        wheel(
            tmp_path,
            "svc",
            requires=["lib>=2", 'gone; python_version<"3"', 'db; extra=="postgres"', 'other; extra=="x"'],
        ),
        wheel(tmp_path, "lib", "2.1", requires=["deep[fast]"]),
        wheel(tmp_path, "deep", requires=['accel; extra=="fast"', "lib"]),
        wheel(tmp_path, "accel"),
    ]
    assert missing(have, [Requirement("svc")]) == ()
    assert missing(have[:3], [Requirement("svc")]) == ('accel; extra == "fast"',)
    assert missing(have, [Requirement("svc[postgres]")]) == ('db; extra == "postgres"',)
    assert missing(have, [Requirement("svc"), Requirement("gunicorn>=20")]) == ("gunicorn>=20",)


def test_a_version_out_of_range_is_missing(tmp_path):
    have = [wheel(tmp_path, "svc", requires=["lib>=2"]), wheel(tmp_path, "lib", "1.9")]
    assert missing(have, [Requirement("svc")]) == ("lib>=2",)


def test_what_can_be_imported_is_told_from_the_files():
    files = [
        "svc/__init__.py", "svc/sub/x.py", "single.py", "fast.cpython-311-x86_64-linux-gnu.so",
        "svc-1.dist-info/METADATA", "svc-1.data/purelib/pure/__init__.py", "svc-1.data/scripts/run",
        "../../../bin/svc", "README.txt", "x.pth",
    ]  # fmt: skip
    assert top_level(files) == ("fast", "pure", "single", "svc")


def test_every_open_line_of_a_lock_is_named():
    lock = f"""\
# generated
--index-url https://mirror.example.org/simple
flask==3.1.3 \\
    {HASH} \\
    {HASH}
    # via svc
click>=8 ; python_version > "3"   # open
-r other.txt
-e .
jinja2==3.1.6 --hash=md5:{"0" * 32}
six==1.17.0 {HASH} # fine

werkzeug @ https://example.org/w.whl
last==1 \\"""
    assert unpinned(lock, name="locks/prod.txt") == (
        "locks/prod.txt:7: dependency without a hash: click",
        "locks/prod.txt:8: -r is not allowed in a lock: write the packages out",
        "locks/prod.txt:9: -e is not allowed in a lock: write the packages out",
        "locks/prod.txt:10: dependency without a hash: jinja2",
        "locks/prod.txt:13: dependency without a hash: werkzeug",
        "locks/prod.txt:14: dependency without a hash: last",
    )


def test_a_lock_with_all_hashes_has_nothing_open():
    assert unpinned(f"a==1 {HASH}\n\n# c\nb==2 \\\n  {HASH}\n", name="l") == ()


def test_the_same_wheels_are_the_same_bundle(tmp_path, wheels, bundle):
    os.utime(wheels[1].path, (1, 1))
    wheels[0].path.chmod(0o600)
    again = pack(reversed(wheels), tmp_path / "again", service=wheels[0])
    assert (tmp_path / "again").read_bytes() == bundle.read_bytes()
    assert again.digest == canonical.Digest.of(bundle.read_bytes())
    assert again.size_bytes == bundle.stat().st_size
    assert [package.name for package in again.packages] == ["lib", "svc"]
    assert (again.name, again.version) == ("svc", "1.2")


def test_a_bundle_says_what_it_holds(bundle, wheels):
    found = contents(bundle)
    assert found.name == "svc"
    assert found.packages == (wheels[1].package, wheels[0].package)
    with tarfile.open(bundle) as tar:
        assert tar.getnames() == [
            "bundle.json", "requirements.lock", "wheels/lib-2.0-py3-none-any.whl", "wheels/svc-1.2-py3-none-any.whl",
        ]  # fmt: skip
        lock = tar.extractfile("requirements.lock").read().decode()
    assert lock == "".join(
        f"{w.package.name}=={w.package.version} --hash={w.package.digest}\n" for w in reversed(wheels)
    )


def test_two_wheels_of_one_package_are_no_bundle(tmp_path, wheels):
    other = wheel(tmp_path / "wheels", "lib", "2.1")
    with pytest.raises(InvalidInput, match="two wheels of lib"):
        pack([*wheels, other], tmp_path / "b", service=wheels[0])


def test_an_installed_bundle_runs_from_where_it_is(tmp_path, bundle):
    into = tmp_path / "there" / "venv"
    environment.install_to_serve(bundle, into)
    answer = subprocess.run([into / "bin" / "svc"], env={}, check=True, capture_output=True, timeout=60)
    assert answer.stdout == b"2.0\n"
    assert (environment.site_packages(into) / "svc/data.txt").read_text() == "data"
    assert list(environment.site_packages(into).glob("svc/__pycache__/*.pyc"))
    assert [path.name for path in into.parent.iterdir()] == ["venv"]
    assert not list(into.glob("bin/activate*")) + list(into.glob("bin/pip*"))


def test_a_traceback_names_the_file_where_it_is(tmp_path, bundle):
    into = tmp_path / "venv"
    environment.install(bundle, into)
    code = "import svc; print(svc.main.__code__.co_filename)"
    answer = subprocess.run([into / "bin/python", "-c", code], check=True, capture_output=True, timeout=60)
    assert answer.stdout.decode().strip() == str(environment.site_packages(into) / "svc/__init__.py")


def test_a_relative_place_is_as_good(tmp_path, bundle, monkeypatch):
    monkeypatch.chdir(tmp_path)
    environment.install(Path(bundle.name), Path("venv"))
    monkeypatch.chdir("/")
    subprocess.run([tmp_path / "venv/bin/svc"], check=True, capture_output=True, timeout=60)


def test_installing_twice_changes_nothing(tmp_path, bundle):
    into = tmp_path / "venv"
    environment.install(bundle, into)
    before = {path: path.lstat().st_mtime_ns for path in into.rglob("*")}
    environment.install(bundle, into)
    assert {path: path.lstat().st_mtime_ns for path in into.rglob("*")} == before


def test_what_is_in_the_way_is_not_overwritten(tmp_path, bundle, wheels):
    into = tmp_path / "venv"
    into.mkdir()
    (into / "something").write_text("of somebody")
    with pytest.raises(IntegrityViolation, match="is no complete installation"):
        environment.install(bundle, into)
    assert [path.name for path in into.iterdir()] == ["something"]
    environment.install(bundle, tmp_path / "good")
    other = tmp_path / "other.bundle"
    pack(wheels[1:], other, service=wheels[1])
    with pytest.raises(IntegrityViolation, match="is no complete installation of other"):
        environment.install(other, tmp_path / "good")


def rewritten(bundle, change):
    """Write `bundle` again with its members changed."""
    with tarfile.open(bundle) as tar:
        members = [(member.name, tar.extractfile(member).read()) for member in tar.getmembers()]
    with tarfile.open(bundle, "w") as tar:
        for name, content in change(members):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return bundle


def test_a_wheel_that_is_not_the_locked_one_is_not_installed(tmp_path, bundle):
    changed = rewritten(bundle, lambda ms: [(n, c.replace(b"VERSION", b"VERSI0N")) for n, c in ms])
    with pytest.raises(IntegrityViolation, match=r"lib-2\.0-py3-none-any\.whl has digest"):
        environment.install(changed, tmp_path / "venv")
    assert not (tmp_path / "venv").exists()
    assert not list(tmp_path.glob(".venv*"))


@pytest.mark.parametrize(
    "change",
    [
        lambda ms: [*ms, ("wheels/more-1-py3-none-any.whl", b"")],
        lambda ms: ms[:-1],
        lambda ms: ms[1:],
        lambda ms: [ms[1], ms[0], *ms[2:]],
        lambda ms: [ms[0], (ms[1][0], ms[1][1] + b"x"), *ms[2:]],
        lambda ms: [(ms[0][0], ms[0][1] + b" "), *ms[1:]],
        lambda ms: [(ms[0][0], b"{}"), *ms[1:]],
        lambda ms: [(ms[0][0], ms[0][1].replace(b'"lib-2.0', b'"../lib-2.0')), *ms[1:]],
        lambda ms: [*ms[:2], ("../evil", ms[2][1]), *ms[3:]],
        lambda _: [],
    ],
)
def test_a_bundle_that_was_touched_is_not_opened(tmp_path, bundle, change):
    rewritten(bundle, change)
    with pytest.raises(IntegrityViolation):
        environment.install(bundle, tmp_path / "venv")
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("content", [b"", b"no tar", b"\x1f\x8b" + b"0" * 600])
def test_what_is_no_bundle_is_said_so(tmp_path, content):
    (tmp_path / "b").write_bytes(content)
    with pytest.raises(IntegrityViolation, match="bundle"):
        contents(tmp_path / "b")


def test_a_cut_bundle_is_not_installed(tmp_path, bundle):
    bundle.write_bytes(bundle.read_bytes()[:-11_000])
    with pytest.raises(IntegrityViolation):
        environment.install(bundle, tmp_path / "venv")


def test_a_link_in_a_bundle_is_refused(bundle):
    with tarfile.open(bundle, "a") as tar:
        link = tarfile.TarInfo("wheels/zz-1-py3-none-any.whl")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    with pytest.raises(IntegrityViolation, match="plain files"):
        contents(bundle)


def test_a_bundle_for_another_interpreter_is_refused(bundle):
    version = interpreter()["version"].encode()

    def older(ms):
        return [(ms[0][0], ms[0][1].replace(b'"version":"' + version, b'"version":"2.7')), *ms[1:]]

    rewritten(bundle, older)
    with pytest.raises(InvalidInput, match=r"was made for .*2\.7"):
        contents(bundle)


def test_a_bundle_that_is_gone_is_unavailable(tmp_path):
    with pytest.raises(Unavailable, match="is gone"), opened(tmp_path / "gone.bundle"):
        pass


def test_a_wheel_cannot_write_outside_its_environment(tmp_path):
    bad = wheel(tmp_path / "w", "evil", files={"../../../../../../evil.txt": "out"})
    pack([bad], tmp_path / "b", service=bad)
    with pytest.raises(IntegrityViolation, match="is no wheel that can be installed"):
        environment.install(tmp_path / "b", tmp_path / "a" / "venv")
    assert not list(Path(tmp_path).rglob("evil.txt"))


def test_an_environment_tells_who_replaced_what(tmp_path, bundle, wheels):
    into = tmp_path / "venv"
    environment.install(bundle, into)
    packages = contents(bundle).packages
    assert environment.not_from_bundle(into, packages) == ()
    assert environment.importable(into, "svc") == ("svc",)
    (environment.site_packages(into) / "lib-2.0.dist-info/INSTALLER").write_text("pip\n")
    assert environment.not_from_bundle(into, packages) == ("lib",)


def test_build_environments_have_a_pip_of_their_own(tmp_path):
    into = tmp_path / "venv"
    environment.empty(into)
    environment.provide_pip(into)
    for words in ([into / "bin/python", "-m", "pip"], [into / "bin/pip"]):
        answer = subprocess.run([*words, "--version"], check=True, capture_output=True, timeout=60)
        assert str(into) in answer.stdout.decode()
