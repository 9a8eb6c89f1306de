"""Git: what is exported is what was committed, and nothing of the repository is run or followed."""

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from wardline.adapters.git.git import Git
from wardline.errors import IntegrityViolation, InvalidInput, NotFound, Unavailable

ENV = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
    "GIT_AUTHOR_DATE": "2026-11-01T10:00:00+0200",
    "GIT_COMMITTER_DATE": "2026-11-02T10:00:00+0200",
}


def git(path, *arguments, stdin=None):
    done = subprocess.run(["git", "-C", str(path), *arguments], env=ENV, check=True, capture_output=True, input=stdin)
    return done.stdout.decode().strip()


@pytest.fixture
def repository(tmp_path):
    path = tmp_path / "service"
    path.mkdir()
    git(path, "init", "-q", "-b", "main")
    return path


@pytest.fixture
def reader():
    return Git(ENV)


def commit(path, files=None, message="first"):
    for name, content in (files or {}).items():
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    git(path, "add", "-A")
    git(path, "commit", "-q", "--allow-empty", "-m", message)


def exported(reader, path, tmp_path, ref="HEAD"):
    into = tmp_path / "export"
    reader.export(path, reader.resolve(path, ref), into)
    return into


def commit_tree(path, entries):
    """Commit a tree that no `git add` would make."""
    tree = git(path, "mktree", "-z", stdin="".join(f"{entry}\0" for entry in entries).encode())
    git(path, "update-ref", "refs/heads/main", git(path, "commit-tree", tree, "-m", "made by hand"))


def blob(path, content):
    return git(path, "hash-object", "-w", "--stdin", stdin=content)


def test_a_commit_carries_hash_tree_time_author_and_message(repository, reader):
    commit(repository, {"a.txt": b"a"}, message="say\n\nwhy")
    found = reader.resolve(repository, "main")
    assert found.sha == git(repository, "rev-parse", "HEAD")
    assert found.tree == git(repository, "rev-parse", "HEAD^{tree}")
    assert found.committed_at == datetime(2026, 11, 2, 8, tzinfo=UTC)
    assert found.author_email == "ada@example.org"
    assert found.message == "say\n\nwhy\n"


def test_tags_branches_and_short_hashes_name_a_commit(repository, reader):
    commit(repository, {"a.txt": b"a"})
    git(repository, "tag", "-a", "v1", "-m", "tagged")
    head = reader.resolve(repository, "HEAD")
    assert reader.resolve(repository, "v1") == head
    assert reader.resolve(repository, head.sha[:8]) == head


def test_the_working_tree_is_never_looked_at(repository, reader, tmp_path):
    commit(repository, {"a.txt": b"committed", "wardline.yaml": b"wardline: 1\n"})
    (repository / "a.txt").write_bytes(b"edited")
    (repository / "new.txt").write_bytes(b"not added")
    (repository / "wardline.yaml").write_bytes(b"edited")
    into = exported(reader, repository, tmp_path)
    assert sorted(file.name for file in into.iterdir()) == ["a.txt", "wardline.yaml"]
    assert (into / "a.txt").read_bytes() == b"committed"
    assert reader.file_at(repository, reader.resolve(repository, "HEAD"), "wardline.yaml") == b"wardline: 1\n"


def test_attributes_and_filters_change_nothing(repository, reader, tmp_path):
    attributes = b"hidden.txt export-ignore\n*.txt export-subst text eol=crlf ident filter=shout\n"
    git(repository, "config", "filter.shout.smudge", "tr a-z A-Z")
    commit(repository, {".gitattributes": attributes, "hidden.txt": b"$Format:%H$\n$Id$\n"})
    into = exported(reader, repository, tmp_path)
    assert (into / "hidden.txt").read_bytes() == b"$Format:%H$\n$Id$\n"


def test_programs_and_the_time_of_the_commit_are_kept(repository, reader, tmp_path):
    (repository / "run.sh").write_bytes(b"#!/bin/sh\n")
    (repository / "run.sh").chmod(0o755)
    commit(repository, {"deep/er/a.txt": b"a"})
    into = exported(reader, repository, tmp_path)
    assert (into / "run.sh").stat().st_mode & 0o777 == 0o755
    assert (into / "deep/er/a.txt").stat().st_mode & 0o777 == 0o644
    assert (into / "deep/er/a.txt").stat().st_mtime == datetime(2026, 11, 2, 8, tzinfo=UTC).timestamp()


def test_odd_names_and_empty_files_survive(repository, reader, tmp_path):
    names = ["with space.txt", 'quo"te', "tab\there", "new\nline", "ünï.txt", "-dash"]
    commit(repository, dict.fromkeys(names, b""))
    assert sorted(file.name for file in exported(reader, repository, tmp_path).iterdir()) == sorted(names)


def test_many_files_come_out_whole(repository, reader, tmp_path):
    files = {f"f{number}.bin": bytes([number % 256]) * number * 997 for number in range(300)}
    commit(repository, files)
    into = exported(reader, repository, tmp_path)
    assert {file.name: file.read_bytes() for file in into.iterdir()} == files


def test_a_bare_repository_and_a_folder_below_the_root_will_do(repository, reader, tmp_path):
    commit(repository, {"src/a.txt": b"a", "wardline.yaml": b"x"})
    head = reader.resolve(repository, "HEAD")
    bare = tmp_path / "bare.git"
    git(tmp_path, "clone", "-q", "--bare", str(repository), str(bare))
    assert reader.resolve(bare, "main") == head
    assert reader.resolve(repository / "src", "HEAD") == head
    assert reader.file_at(repository / "src", head, "wardline.yaml") == b"x"
    assert (exported(reader, repository / "src", tmp_path) / "src/a.txt").read_bytes() == b"a"


def test_a_path_may_be_relative(repository, reader, tmp_path, monkeypatch):
    commit(repository, {"a.txt": b"a"})
    monkeypatch.chdir(tmp_path)
    reader.export(Path("service"), reader.resolve(Path("service"), "HEAD"), Path("export"))
    assert (tmp_path / "export/a.txt").read_bytes() == b"a"


def test_a_hash_of_64_digits_works_too(tmp_path, reader):
    path = tmp_path / "sha256"
    path.mkdir()
    git(path, "init", "-q", "--object-format=sha256")
    commit(path, {"a.txt": b"a"})
    assert len(reader.resolve(path, "HEAD").sha) == 64
    assert (exported(reader, path, tmp_path) / "a.txt").read_bytes() == b"a"


def test_variables_of_a_hook_point_nowhere_else(repository, tmp_path):
    commit(repository, {"a.txt": b"a"})
    inside_a_hook = Git(ENV | {"GIT_DIR": str(tmp_path / "elsewhere"), "GIT_WORK_TREE": "/"})
    assert inside_a_hook.resolve(repository, "HEAD").sha == git(repository, "rev-parse", "HEAD")


def test_a_missing_file_is_none_and_a_folder_is_no_file(repository, reader):
    commit(repository, {"src/a.txt": b"a"})
    head = reader.resolve(repository, "HEAD")
    assert reader.file_at(repository, head, "wardline.yaml") is None
    assert reader.file_at(repository, head, "src") is None


def test_a_link_inside_the_tree_is_kept(repository, reader, tmp_path):
    (repository / "docs").mkdir()
    (repository / "docs/readme").symlink_to("../README")
    commit(repository, {"README": b"hello"})
    assert (exported(reader, repository, tmp_path) / "docs/readme").read_bytes() == b"hello"


@pytest.mark.parametrize("target", ["/etc/hostname", "../outside", "../../outside/there"])
def test_a_link_out_of_the_tree_is_refused(repository, reader, tmp_path, target):
    (repository / "out").symlink_to(target)
    commit(repository)
    with pytest.raises(InvalidInput, match="the link out leads out"):
        exported(reader, repository, tmp_path)
    assert not (tmp_path / "export").exists()


def test_a_link_out_by_way_of_another_is_refused(repository, reader, tmp_path):
    (repository / "deep/er").mkdir(parents=True)
    (repository / "deep/er/up").symlink_to("../..")
    (repository / "out").symlink_to("deep/er/up/../secret")  # reads as deep/er/secret, is ../secret
    commit(repository)
    with pytest.raises(InvalidInput, match="the link out leads out"):
        exported(reader, repository, tmp_path)


def test_no_file_is_written_through_a_link(repository, reader, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    link = blob(repository, str(outside).encode())
    inner = git(repository, "mktree", stdin=f"100644 blob {blob(repository, b'evil')}\tfile\n".encode())
    commit_tree(repository, [f"120000 blob {link}\ta", f"040000 tree {inner}\ta"])
    with pytest.raises((InvalidInput, Unavailable)):
        exported(reader, repository, tmp_path)
    assert list(outside.iterdir()) == []


def test_a_path_that_leads_out_is_refused(repository, reader, tmp_path):
    name = blob(repository, b"evil")
    inner = git(repository, "mktree", stdin=f"100644 blob {name}\tfile\n".encode())
    commit_tree(repository, [f"040000 tree {inner}\t.."])
    with pytest.raises(InvalidInput, match="leads out of an export"):
        exported(reader, repository, tmp_path)
    assert not (tmp_path / "file").exists()


def test_a_submodule_is_refused_by_name(repository, reader, tmp_path):
    commit(repository, {"a": b"a"})
    sha = git(repository, "rev-parse", "HEAD")
    git(repository, "update-index", "--add", "--cacheinfo", f"160000,{sha},vendor/lib")
    git(repository, "commit", "-q", "-m", "vendor")
    with pytest.raises(InvalidInput, match="vendor/lib is a submodule"):
        exported(reader, repository, tmp_path)


def test_an_lfs_pointer_is_refused_by_name(repository, reader, tmp_path):
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12\n"
    commit(repository, {"model.bin": pointer})
    with pytest.raises(InvalidInput, match=r"model\.bin is a Git LFS pointer"):
        exported(reader, repository, tmp_path)


def test_a_replaced_object_is_not_believed(repository, reader, tmp_path):
    commit(repository, {"a.txt": b"committed"})
    git(repository, "replace", git(repository, "rev-parse", "HEAD:a.txt"), blob(repository, b"replaced!"))
    assert (exported(reader, repository, tmp_path) / "a.txt").read_bytes() == b"committed"


def test_a_damaged_object_is_no_export(repository, reader, tmp_path):
    commit(repository, {"a.txt": b"committed"})
    oid = git(repository, "rev-parse", "HEAD:a.txt")
    other = blob(repository, b"other....")
    objects = repository / ".git/objects"
    damaged = objects / oid[:2] / oid[2:]
    damaged.chmod(0o644)
    damaged.write_bytes((objects / other[:2] / other[2:]).read_bytes())
    with pytest.raises((IntegrityViolation, Unavailable)):
        exported(reader, repository, tmp_path)
    assert not (tmp_path / "export").exists()


def test_a_missing_object_is_said_so(repository, reader, tmp_path):
    commit(repository, {"a.txt": b"committed", "b.txt": b"b"})
    oid = git(repository, "rev-parse", "HEAD:a.txt")
    (repository / ".git/objects" / oid[:2] / oid[2:]).unlink()
    with pytest.raises(Unavailable, match=r"lacks|failed"):
        exported(reader, repository, tmp_path)


def test_hooks_and_monitors_of_the_repository_do_not_run(repository, reader, tmp_path):
    witness = tmp_path / "ran"
    monitor = tmp_path / "monitor"
    monitor.write_text(f"#!/bin/sh\ntouch {witness}\n")
    monitor.chmod(0o755)
    commit(repository, {"a.txt": b"a"})
    git(repository, "config", "core.fsmonitor", str(monitor))
    git(repository, "config", "core.pager", str(monitor))
    exported(reader, repository, tmp_path)
    assert not witness.exists()


def test_a_plain_folder_is_no_repository(tmp_path, reader):
    with pytest.raises(InvalidInput, match="is not in a Git repository"):
        reader.resolve(tmp_path, "HEAD")


def test_a_missing_folder_is_not_found(tmp_path, reader):
    with pytest.raises(NotFound, match="there is no folder"):
        reader.resolve(tmp_path / "nowhere", "HEAD")


def test_an_unborn_branch_has_no_commit(repository, reader):
    with pytest.raises(InvalidInput, match="has no commit yet"):
        reader.resolve(repository, "HEAD")


@pytest.mark.parametrize("ref", ["nowhere", "--all", "HEAD:a.txt", "a b", "", "^HEAD"])
def test_an_unknown_ref_is_not_found(repository, reader, ref):
    commit(repository, {"a.txt": b"a"})
    with pytest.raises(NotFound, match="nothing is called"):
        reader.resolve(repository, ref)


def test_git_not_installed_is_unavailable(repository, tmp_path):
    with pytest.raises(Unavailable, match="git is not installed"):
        Git({"PATH": str(tmp_path)}).resolve(repository, "HEAD")


def test_the_repository_of_another_user_is_refused_with_the_way_out(repository, reader):
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder away")
    commit(repository, {"a.txt": b"a"})
    for path in [repository, *repository.rglob("*")]:
        os.chown(path, 65534, 65534, follow_symlinks=False)
    with pytest.raises(InvalidInput, match="belongs to another user") as caught:
        reader.resolve(repository, "HEAD")
    assert "safe.directory" in caught.value.remedy


def test_nothing_is_written_to_the_repository(repository, reader, tmp_path):
    commit(repository, {"a.txt": b"a"})
    before = {path: path.stat().st_mtime_ns for path in Path(repository).rglob("*")}
    exported(reader, repository, tmp_path)
    assert {path: path.stat().st_mtime_ns for path in Path(repository).rglob("*")} == before
