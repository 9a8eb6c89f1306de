"""An installed release is the artifact that its id stands for, and never another one."""

from pathlib import Path

import pytest

from wardline.adapters.targets.local.folder import EnvironmentFolder
from wardline.adapters.targets.local.installing import install
from wardline.canonical import Digest
from wardline.deployments.plans import Release
from wardline.environments.observations import EnvironmentKey
from wardline.errors import IntegrityViolation
from wardline.ids import EnvironmentName, ReleaseId
from wardline.pipelines.spec import StartSpec


def release(artifact: bytes) -> Release:
    return Release(
        id=ReleaseId("1.0-00000000"),
        version="1.0",
        artifact=Digest.of(artifact),
        start=StartSpec(command="x", health="/"),
        config={},
        secrets={},
        instances=1,
        port=None,
    )


def test_an_id_that_stands_for_one_artifact_never_stands_for_another(tmp_path: Path) -> None:
    place = EnvironmentFolder(tmp_path / "root", EnvironmentKey(service="desk", name=EnvironmentName("production")))
    place.create()
    installed: list[bytes] = []

    def put(content: bytes) -> None:
        bundle = tmp_path / "bundle"
        bundle.write_bytes(content)
        install(
            place, release(content), artifact=lambda _: bundle, installer=lambda b, _: installed.append(b.read_bytes())
        )

    put(b"one")
    put(b"one")
    with pytest.raises(IntegrityViolation, match="is installed from"):
        put(b"another")
    assert installed == [b"one"]
