"""Heavy parts are imported by the commands that need them, never by `wardline --help`."""

import subprocess
import sys

HEAVY = {"dbos", "sqlalchemy", "alembic", "cel", "cryptography", "securesystemslib", "yaml", "rich.live"}


def test_the_command_line_imports_nothing_heavy() -> None:
    program = "import sys, wardline.cli.main; print(' '.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert not HEAVY & set(loaded.stdout.split())
