"""The log as outsiders read it, and what witnesses said of it, on every database."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Engine
from tests.fakes.growing_log import line_of, witness
from tests.fakes.postgres import fresh_database
from tests.ports.test_evidence_log import ORIGIN, SIGNER, said

from wardline.adapters.storage.cosignatures import SQLCosignatures
from wardline.adapters.storage.database import open_database
from wardline.adapters.storage.evidence_log import SQLEvidenceLog
from wardline.adapters.storage.published import SQLPublishedLog
from wardline.errors import InvalidInput, NotFound
from wardline.tlog import tree
from wardline.tlog.checkpoint import open_checkpoint, read_checkpoint
from wardline.tlog.cosignature import verify_cosignature
from wardline.tlog.merkle import leaf_hash, root_hash, verify_consistency, verify_inclusion
from wardline.tlog.note import take_apart
from wardline.tlog.tiles import Tile, TiledNodes, decode_bundle, encode_tile, tiles_of

LEAVES = 300  # more than one tile


@dataclass(frozen=True)
class World:
    engine: Engine
    log: SQLEvidenceLog
    published: SQLPublishedLog
    kept: SQLCosignatures


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    place = fresh_database() if request.param == "postgresql" else tmp_path / "log.db"
    with open_database(place) as engine:
        log = SQLEvidenceLog(engine, signer=SIGNER, origin=ORIGIN)
        yield World(engine, log, SQLPublishedLog(engine), SQLCosignatures(engine))


def test_an_empty_log_has_no_head(world: World) -> None:
    for act in (world.published.checkpoint, lambda: world.published.checkpoint_from(0)):
        with pytest.raises(NotFound):
            act()


def test_its_tiles_and_proofs_are_those_of_its_leaves(world: World) -> None:
    envelopes = [said(f"step-{number}") for number in range(LEAVES)]
    for envelope in envelopes:
        world.log.append(envelope)
    leaves = [leaf_hash(envelope.encode()) for envelope in envelopes]
    checkpoint = open_checkpoint(world.published.checkpoint(), world.log.key)
    assert (checkpoint.size, checkpoint.root) == (LEAVES, root_hash(leaves))
    nodes = TiledNodes(LEAVES, lambda tile: encode_tile(world.published, tile))
    assert tree.root(nodes, LEAVES) == checkpoint.root
    bundles = [encode_tile(world.published, tile) for tile in tiles_of(LEAVES, entries=True) if tile.level is None]
    assert [leaf_hash(entry) for bundle in bundles for entry in decode_bundle(bundle)] == leaves
    for first in (1, 255, 256, 300):
        proof = world.published.consistency_proof(first, LEAVES)
        verify_consistency(first, LEAVES, proof, root_hash(leaves[:first]), checkpoint.root)
        index = first - 1
        proof = world.published.inclusion_proof(index, LEAVES)
        verify_inclusion(leaves[index], index, LEAVES, proof, checkpoint.root)
    assert world.published.consistency_proof(0, LEAVES) == ()


def test_what_is_not_there_yet_is_not_given(world: World) -> None:
    world.log.append(said("build"))
    with pytest.raises(NotFound):
        encode_tile(world.published, Tile(level=0, index=0, width=2))
    with pytest.raises(NotFound):
        world.published.entries(1, 1)
    with pytest.raises(NotFound):
        world.published.checkpoint_from(2)
    with pytest.raises(InvalidInput):
        world.published.inclusion_proof(1, 1)


def test_cosignatures_are_kept_once_and_found_by_size(world: World) -> None:
    assert (world.kept.smallest_from(0), world.kept.newest_by("witness.example/1")) == (None, 0)
    for size, number in ((7, 1), (7, 2), (20, 1)):
        world.kept.keep(size, witness(number).name, line_of(number, f"head {size}\n"))
    world.kept.keep(7, witness(1).name, "— another line\n")
    assert world.kept.of(7) == (line_of(1, "head 7\n"), line_of(2, "head 7\n"))
    assert world.kept.of(8) == ()
    assert [world.kept.smallest_from(size) for size in (0, 7, 8, 20, 21)] == [7, 7, 20, 20, None]
    assert [world.kept.newest_by(witness(number).name) for number in (1, 2, 3)] == [20, 7, 0]


def test_the_newest_head_carries_its_cosignatures_and_a_proof_prefers_a_cosigned_one(world: World) -> None:
    for number in range(4):
        world.log.append(said(f"step-{number}"))
    text, _ = take_apart(world.log.checkpoint(3))
    world.kept.keep(3, witness(1).name, line_of(1, text))
    assert [read_checkpoint(world.published.checkpoint_from(size)).size for size in (1, 2, 3, 4)] == [3, 3, 3, 4]
    assert verify_cosignature(world.published.checkpoint_from(2), witness(1))
    assert len(take_apart(world.published.checkpoint())[1]) == 1
    world.kept.keep(4, witness(1).name, line_of(1, take_apart(world.log.checkpoint())[0]))
    assert verify_cosignature(world.published.checkpoint(), witness(1))
