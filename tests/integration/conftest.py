"""What several integration suites stand on."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fakes.softhsm import made_token


@pytest.fixture(scope="session")
def token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("token")
    with made_token(folder):
        yield folder
