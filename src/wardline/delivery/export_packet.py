"""Export a packet: what a run left, with its proofs and its page, as one file an outsider verifies offline."""

from collections.abc import Collection

from wardline.errors import InvalidInput
from wardline.evidence.envelopes import Signer
from wardline.evidence.packets.assemble_packet import Archive, Choice, assemble
from wardline.evidence.packets.packet import MAX_BYTES
from wardline.ids import RunId


def export_packet(run: RunId, archive: Archive, *, signer: Signer, along: Collection[Choice] = ()) -> bytes:
    """Return the packet of a sealed run, with the blobs chosen by `along` beyond those a verifier asks for.

    Raises:
        NotFound: The run left nothing.
        Refused: The run is not sealed.
        InvalidInput: With all that was chosen it would be larger than a packet may be.
    """
    packet = assemble(run, archive, along=along).sign(signer).encode()
    if len(packet) > MAX_BYTES:
        raise InvalidInput(
            f"the packet of run {run} would have {len(packet)} bytes; expected at most {MAX_BYTES}",
            remedy="Take less along: `--with` reports, sbom or outputs instead of all of them.",
        )
    return packet
