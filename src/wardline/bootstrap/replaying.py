"""Decisions of gates, made again and explained."""

from collections.abc import Iterator

from wardline.adapters.policy.cel import CEL
from wardline.bootstrap.home import Home
from wardline.delivery.replay import Archive, Explained, Replayed, decisions, explain_decision, replay
from wardline.ids import RunId


def replay_decisions(home: Home, *, run: RunId | None, index: int | None) -> Iterator[Replayed]:
    """Yield the decisions of `run`, the one at `index`, or every one, each made again."""
    archive = _archive(home)
    with CEL() as engine:
        for evidence in decisions(archive, run=run, index=index):
            yield replay(evidence, archive, engine=engine)


def explain_decisions(home: Home, *, run: RunId | None, index: int | None) -> Iterator[Explained]:
    """Yield the decisions of `run`, or the one at `index`, with the values that made them so."""
    archive = _archive(home)
    with CEL() as engine:
        for evidence in decisions(archive, run=run, index=index):
            yield explain_decision(evidence, archive, engine=engine)


def _archive(home: Home) -> Archive:
    return Archive(log=home.log, blobs=home.collect.blobs)
