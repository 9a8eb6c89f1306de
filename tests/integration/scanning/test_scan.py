"""`wardline scan` on real files, archives, repositories: what was planted is named, and its value never shown."""

import bz2
import gzip
import io
import json
import lzma
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

VALUE = "524-45-6788"
ROW = f"first_name,ssn\nJane,{VALUE}\n".encode()
WARDLINE = str(Path(sys.prefix) / "bin" / "wardline")


@pytest.fixture
def tree(tmp_path):
    folder = tmp_path / "tree"
    folder.mkdir()
    return folder


def scan(*arguments, home, stdin=b""):
    env = {"PATH": os.environ["PATH"], "HOME": str(home.parent), "WARDLINE_HOME": str(home)}
    done = subprocess.run(
        [WARDLINE, "scan", *map(str, arguments)], capture_output=True, env=env, input=stdin, check=False
    )
    said = (done.stdout + done.stderr).decode()
    assert VALUE not in said
    assert "Jane" not in said
    assert "Traceback" not in said
    return done.returncode, said


def documents(*arguments, home, stdin=b""):
    code, said = scan(*arguments, "--output", "json", home=home, stdin=stdin)
    return code, json.loads(said)


def zipped(**members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/").replace("_dot_", "."), content)
    return out.getvalue()


def tarred(name, content):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


PACKED = {
    "a.zip": zipped(a_dot_csv=ROW),
    "a.whl": zipped(pkg__a_dot_csv=ROW),
    "a.tar": tarred("a.csv", ROW),
    "a.tgz": gzip.compress(tarred("a.csv", ROW)),
    "a.csv.gz": gzip.compress(ROW),
    "a.csv.bz2": bz2.compress(ROW),
    "a.csv.xz": lzma.compress(ROW),
    "layers.tar": tarred("layer.tar", tarred("app/a.csv", ROW)),
}


@pytest.mark.parametrize("name", PACKED)
def test_members_of_archives_are_looked_at(name, tree, tmp_path):
    (tree / name).write_bytes(PACKED[name])
    code, said = documents(tree, home=tmp_path / "none")
    assert code == 3
    assert {finding["class"] for finding in said["findings"]} == {"name", "ssn"}
    assert all(finding["path"].startswith(f"{name}!") for finding in said["findings"])
    assert said["errored"] == []


def test_a_planted_tree_names_every_file_and_only_those(tree, tmp_path):
    for number in range(5):
        (tree / f"clean-{number}.txt").write_text("nothing here\n")
        (tree / f"planted-{number}.csv").write_bytes(ROW)
    (tree / "picture.bin").write_bytes(b"\0\1\2" * 100)
    (tree / "circle").symlink_to(tree)
    code, said = documents(tree, home=tmp_path / "none")
    assert code == 3
    assert {finding["path"] for finding in said["findings"]} == {f"planted-{number}.csv" for number in range(5)}
    assert said["looked_at"]["files"] == 11
    assert said["skipped"] == [{"path": "picture.bin", "reason": "binary"}]


BROKEN = {
    "damaged": ("a.zip", PACKED["a.zip"][:-30]),
    "damaged ": ("a.tgz", PACKED["a.tgz"][:-30]),
    "damaged  ": ("a.tar", PACKED["layers.tar"][:3000]),
    "damaged   ": ("a.pdf", b"%PDF-1.7\nnothing of a PDF"),
    "damaged    ": ("a.dcm", b"\0" * 128 + b"DICM" + b"\x02\0\x10\0UI\xff\x7f1.2"),
    "climbs-out": ("b.tar", tarred("../../etc/cron.d/x", ROW)),
    "expands-too-far": ("bomb.gz", gzip.compress(b"\0" * (40 << 20))),
    "expands-too-far ": ("bomb.zip", zipped(a=b" " * (40 << 20))),
}


@pytest.mark.parametrize("reason", BROKEN)
def test_what_cannot_be_looked_at_is_errored_and_never_clean(reason, tree, tmp_path):
    name, content = BROKEN[reason]
    (tree / name).write_bytes(content)
    code, said = documents(tree, home=tmp_path / "none")
    assert code == 6
    assert [each["reason"] for each in said["errored"]] == [reason.strip()]
    assert said["clean"] is False


def test_archives_nested_without_end_are_errored(tree, tmp_path):
    content = ROW
    for _ in range(12):
        content = gzip.compress(content)
    (tree / "a.gz").write_bytes(content)
    code, said = documents(tree, home=tmp_path / "none")
    assert (code, [each["reason"] for each in said["errored"]]) == (6, ["nested-too-deep"])


def test_an_unchanged_file_is_not_read_again_and_a_changed_one_is(tree, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    (tree / "a.txt").write_text("nothing\n")
    (tree / "b.csv").write_bytes(ROW)
    documents(tree, home=home)
    _, second = documents(tree, home=home)
    assert second["looked_at"]["unchanged"] == 1
    assert second["looked_at"]["files"] == 1
    assert len(second["findings"]) == 2  # what was found is found again
    (tree / "a.txt").write_bytes(b"ssn " + VALUE.encode())
    _, third = documents(tree, home=home)
    assert len(third["findings"]) == 3
    assert VALUE.encode() not in b"".join(file.read_bytes() for file in home.iterdir())


def test_the_hash_is_the_same_in_an_installation_and_another_without_one(tree, tmp_path):
    (tree / "b.csv").write_bytes(ROW)
    home = tmp_path / "home"
    home.mkdir()
    one, same = (documents(tree, home=home)[1]["findings"] for _ in range(2))
    other = documents(tree, home=tmp_path / "none")[1]["findings"]
    assert one == same
    assert {each["hash"] for each in one}.isdisjoint(each["hash"] for each in other)
    assert (home / "scan.key").stat().st_mode & 0o777 == 0o600


def test_what_the_project_lets_stand_needs_a_reason(tree, tmp_path):
    (tree / "b.csv").write_bytes(ROW)
    allow = tree / ".wardline-allow.yaml"
    allow.write_text("allow:\n  - path: '*.csv'\n    reason: generated with seed 7\n")
    code, said = documents(tree, home=tmp_path / "none")
    assert (code, said["findings"], said["allowed"]) == (0, [], 2)
    allow.write_text("allow:\n  - path: '*.csv'\n    class: ssn\n    reason: generated with seed 7\n")
    assert [each["class"] for each in documents(tree, home=tmp_path / "none")[1]["findings"]] == ["name"]
    allow.write_text("allow:\n  - path: '*.csv'\n")
    code, said = scan(tree, home=tmp_path / "none")
    assert code == 2
    assert "reason" in said


def test_a_stream_and_a_threshold(tmp_path):
    assert scan("--stdin", home=tmp_path / "none", stdin=ROW)[0] == 3
    assert scan("--stdin", home=tmp_path / "none", stdin=b"login from 73.12.44.9\n")[0] == 3
    assert scan("--stdin", "--threshold", "high", home=tmp_path / "none", stdin=b"login from 73.12.44.9\n")[0] == 0
    assert scan("--stdin", "--staged", home=tmp_path / "none")[0] == 2


def test_sarif_says_what_could_not_be_looked_at(tree, tmp_path):
    (tree / "a b.csv").write_bytes(ROW)
    (tree / "a.zip").write_bytes(BROKEN["damaged"][1])
    run = json.loads(scan(tree, "--output", "sarif", home=tmp_path / "none")[1])["runs"][0]
    assert run["invocations"][0]["executionSuccessful"] is False
    assert {result["ruleId"] for result in run["results"]} == {"name", "ssn"}
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": "a%20b.csv"}, "region": {"startLine": 2, "startColumn": 1}}


def test_what_is_staged_and_what_once_was_committed_is_found(tree, tmp_path):
    def git(*arguments):
        subprocess.run(
            ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", "-C", str(tree), *arguments],
            check=True,
            capture_output=True,
        )

    home = tmp_path / "none"
    git("init")
    assert scan(tree, "--staged", home=home)[0] == 0
    (tree / "b.csv").write_bytes(ROW)
    assert scan(tree, "--staged", home=home)[0] == 0  # it lies there, and is not staged
    git("add", ".")
    (tree / "b.csv").write_text("replaced\n")
    code, said = documents(tree, "--staged", home=home)
    assert (code, {each["path"] for each in said["findings"]}) == (3, {"b.csv"})
    git("commit", "-m", "x")
    git("rm", "-f", "b.csv")
    git("commit", "-m", "y")
    assert documents(tree, home=home)[0] == 0
    code, said = documents(tree, "--history", home=home)
    assert (code, {each["path"] for each in said["findings"]}) == (3, {"b.csv"})
    assert scan(tmp_path, "--history", home=home)[0] == 2


def test_office_documents_are_looked_at(tree, tmp_path):
    body = (
        b"<w:document><w:p><w:r><w:t>SSN "
        + VALUE[:6].encode()
        + b"</w:t></w:r><w:r><w:t>"
        + VALUE[6:].encode()
        + b"</w:t></w:r></w:p></w:document>"
    )
    with zipfile.ZipFile(tree / "a.docx", "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/document.xml", body)
    code, said = documents(tree, home=tmp_path / "none")
    assert (code, [each["class"] for each in said["findings"]]) == (3, ["ssn"])


def test_a_large_file_is_looked_at_in_pieces_and_lines_are_counted_on(tree, tmp_path):
    with (tree / "big.log").open("wb") as out:
        for _ in range(40):
            out.write(b"2026-01-01 nothing to be seen here\n" * 30_000)
        out.write(b"ssn " + VALUE.encode() + b"\n")
    code, said = documents(tree, home=tmp_path / "none")
    assert (code, [each["line"] for each in said["findings"]]) == (3, [1_200_001])
