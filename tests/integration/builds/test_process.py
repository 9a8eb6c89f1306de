"""Programs: masked before the disk, limited in time and size, and gone with everything they started."""

import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from wardline.adapters import process
from wardline.adapters.process import Command, Output, capture, run, scrubbed, shell
from wardline.errors import InvalidInput, Unavailable
from wardline.findings.redactor import StreamingRedactor

ENV = {"PATH": os.environ["PATH"]}
LONG = timedelta(seconds=60)


def command(text, cwd, *, timeout=LONG, env=ENV):
    return Command(arguments=shell(text), cwd=cwd, env=env, timeout=timeout)


@pytest.fixture
def log(tmp_path):
    return tmp_path / "output.log"


def output(log, on_line=lambda line: None):
    return Output(log=log, redactor=StreamingRedactor, on_line=on_line)


def is_gone(pid):
    """Whether `pid` runs no more; an orphan may stay a zombie until its new parent looks."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except FileNotFoundError:
        return True


def test_both_streams_end_up_masked_in_the_log_and_on_the_screen(tmp_path, log):
    seen = []
    finished = run(
        command("echo 123-45-6789; echo password=hunter2 >&2; printf end", tmp_path), output(log, seen.append)
    )
    assert finished.succeeded
    assert log.read_text() == "[REDACTED:ssn]\npassword=[REDACTED:secret]\nend"
    assert seen == ["[REDACTED:ssn]", "password=[REDACTED:secret]", "end"]


def test_nothing_unmasked_ever_reaches_the_disk(tmp_path, log):
    folder = tmp_path / "work"
    folder.mkdir()
    seen = []

    def look(line):
        seen.append(line)
        assert all(b"6789" not in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())

    run(command("for i in 1 2 3; do printf 123-45-; printf 6789; echo; done", folder), output(log, look))
    assert len(seen) == 3


def test_the_log_is_continued_and_not_replaced(tmp_path, log):
    run(command("echo one", tmp_path), output(log))
    run(command("echo two", tmp_path), output(log))
    assert log.read_text() == "one\ntwo\n"


def test_nobody_answers_on_standard_input(tmp_path, log):
    assert run(command("read answer", tmp_path), output(log)).exit_code == 1
    assert capture(command("cat", tmp_path), stdin=b"given").stdout == b"given"


@pytest.mark.parametrize(("text", "code"), [("exit 3", 3), ("kill -9 $$", -9), ("true", 0), ("false | true", 0)])
def test_the_exit_code_is_the_commands(tmp_path, log, text, code):
    finished = run(command(text, tmp_path), output(log))
    assert (finished.exit_code, finished.timed_out) == (code, False)


def test_what_takes_too_long_is_ended_with_all_it_started(tmp_path, log):
    text = "sleep 1000 & echo $! > child; trap '' TERM; sleep 1000 & echo $! > deaf; sleep 1000"
    finished = run(command(text, tmp_path, timeout=timedelta(seconds=0.4)), output(log))
    assert finished.timed_out
    assert not finished.succeeded
    assert all(is_gone((tmp_path / name).read_text().strip()) for name in ("child", "deaf"))


def test_what_it_leaves_running_ends_with_it(tmp_path, log):
    finished = run(command("sleep 1000 & echo $! > child", tmp_path), output(log))
    assert finished.exit_code == 0
    assert is_gone((tmp_path / "child").read_text().strip())


def test_who_left_the_group_with_the_pipe_cannot_make_us_wait(tmp_path, log):
    text = "setsid sh -c 'echo $$ > child; exec sleep 60' & while [ ! -s child ]; do sleep 0.05; done; echo done"
    finished = run(command(text, tmp_path), output(log))
    os.kill(int((tmp_path / "child").read_text()), signal.SIGKILL)
    assert finished.exit_code == 0
    assert log.read_text() == "done\n"


def test_a_flood_is_cut_and_does_not_block(tmp_path, log):
    flood = command("yes 'a line of output' | head -c 3000000; echo finished > mark", tmp_path)
    finished = run(flood, Output(log=log, redactor=StreamingRedactor, limit=10_000))
    assert finished.succeeded
    assert finished.truncated
    assert (tmp_path / "mark").exists()
    assert log.stat().st_size < 10_100
    assert log.read_text().endswith("output beyond 10000 bytes was dropped]\n")


def test_an_answer_is_cut_at_its_limit(tmp_path):
    captured = capture(command("yes | head -c 100000", tmp_path), limit=1000)
    assert len(captured.stdout) == 1000
    assert captured.finished.truncated


def test_an_answer_and_complaints_stay_apart(tmp_path):
    captured = capture(command("echo answer; echo complaint >&2; exit 2", tmp_path))
    assert (captured.stdout, captured.stderr, captured.finished.exit_code) == (b"answer\n", "complaint\n", 2)


def test_terminal_controls_do_not_reach_the_screen(tmp_path, log):
    seen = []
    text = r"printf '\033[31mred\033[0m\033]0;title\007 \010x\ty\r\n\n   \nz'"
    run(command(text, tmp_path), output(log, seen.append))
    assert seen == ["red x    y", "z"]


def test_a_watcher_that_fails_ends_the_program(tmp_path, log):
    def fail(line):
        raise ZeroDivisionError(line)

    with pytest.raises(ZeroDivisionError):
        run(command("echo $$ > pid; echo line; sleep 1000", tmp_path), output(log, fail))
    assert is_gone((tmp_path / "pid").read_text().strip())


def test_a_full_disk_ends_the_program_and_says_so(tmp_path):
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full")
    with pytest.raises(Unavailable, match=r"cannot write the log full: No space left on device"):
        run(command("echo $$ > pid; echo line; sleep 1000", tmp_path), output(full))
    assert is_gone((tmp_path / "pid").read_text().strip())


def test_a_program_that_is_not_there_is_bad_input(tmp_path, log):
    missing = Command(arguments=("/no/such/program",), cwd=tmp_path, env=ENV, timeout=LONG)
    with pytest.raises(InvalidInput, match="cannot run program: No such file"):
        run(missing, output(log))


ENDS_ITSELF = """
import os, sys, threading
from datetime import timedelta
from pathlib import Path
from wardline.adapters.process import Command, Output, run, shell, terminate_all
from wardline.findings.redactor import StreamingRedactor

folder, started = Path(sys.argv[1]), threading.Event()

def program(text):
    command = Command(arguments=shell(text), cwd=folder, env=dict(os.environ), timeout=timedelta(minutes=1))
    finished = run(command, Output(log=folder / "log", redactor=StreamingRedactor, on_line=lambda _: started.set()))
    (folder / "recorded").write_text(str(finished))

threading.Thread(target=program, args=["echo $$ > pid; sleep 1000 & echo $! > child; echo ready; wait"]).start()
assert started.wait(20)
terminate_all()
late = threading.Thread(target=program, args=["touch late"], daemon=True)
late.start()
late.join(0.3)
os._exit(130)
"""


def test_at_the_end_everything_is_killed_and_nothing_is_recorded(tmp_path):
    ended = subprocess.run([sys.executable, "-c", ENDS_ITSELF, str(tmp_path)], check=False, timeout=60)
    assert ended.returncode == 130
    assert all(is_gone((tmp_path / name).read_text().strip()) for name in ("pid", "child"))
    assert not (tmp_path / "recorded").exists()
    assert not (tmp_path / "late").exists()


def test_no_descriptor_and_no_zombie_is_left(tmp_path, log):
    run(command("true", tmp_path), output(log))
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        run(command("echo x", tmp_path), output(log))
        capture(command("echo x", tmp_path))
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    assert process._running == {}


def test_only_the_allowed_variables_pass(tmp_path):
    environ = {
        "PATH": "/usr/bin", "LANG": "C.UTF-8", "LC_TIME": "C", "TZ": "UTC", "HTTPS_PROXY": "http://proxy",
        "PIP_INDEX_URL": "http://mirror/simple", "SSL_CERT_FILE": "/c.pem",
        "AWS_SECRET_ACCESS_KEY": "x", "GITHUB_TOKEN": "x", "SSH_AUTH_SOCK": "x", "PYTHONPATH": "x", "HOME": "/home/ada",
        "LD_PRELOAD": "x", "PIP_USER": "1", "VIRTUAL_ENV": "x", "WARDLINE_HOME": "x",
    }  # fmt: skip
    env = scrubbed(environ, home=tmp_path, path=(Path("/venv/bin"),), extra={"SOURCE_DATE_EPOCH": "1"})
    assert env == {
        "PATH": "/venv/bin:/usr/bin", "LANG": "C.UTF-8", "LC_TIME": "C", "TZ": "UTC", "HTTPS_PROXY": "http://proxy",
        "PIP_INDEX_URL": "http://mirror/simple", "SSL_CERT_FILE": "/c.pem",
        "HOME": str(tmp_path), "PYTHONHASHSEED": "0", "SOURCE_DATE_EPOCH": "1",
    }  # fmt: skip


@pytest.mark.parametrize("place", [".config/pip/pip.conf", ".pip/pip.conf"])
def test_the_users_pip_configuration_stays_reachable(tmp_path, place):
    configuration = tmp_path / "home" / place
    configuration.parent.mkdir(parents=True)
    configuration.write_text("[global]\n")
    env = scrubbed({"HOME": str(tmp_path / "home")}, home=tmp_path, path=(), extra={})
    assert env["PIP_CONFIG_FILE"] == str(configuration)
    own = scrubbed({"HOME": str(tmp_path / "home"), "PIP_CONFIG_FILE": "/x"}, home=tmp_path, path=(), extra={})
    assert own["PIP_CONFIG_FILE"] == "/x"
