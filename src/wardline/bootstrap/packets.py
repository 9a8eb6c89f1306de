"""Packets: what a run left, as one file for an outsider."""

from collections.abc import Collection
from pathlib import Path

from wardline.adapters.blobs.plain_files import write_file
from wardline.adapters.storage.cosignatures import SQLCosignatures
from wardline.bootstrap.home import Home
from wardline.delivery.export_packet import export_packet
from wardline.evidence.packets.assemble_packet import Archive, Choice
from wardline.ids import RunId


def write_packet(home: Home, run: RunId, file: Path, *, along: Collection[Choice] = ()) -> Path:
    """Write the packet of a sealed run; an existing file is replaced whole or not at all."""
    archive = Archive(log=home.log, blobs=home.collect.blobs, cosignatures=SQLCosignatures(home.database))
    return write_file(file, export_packet(run, archive, signer=home.collect.signer, along=along))
