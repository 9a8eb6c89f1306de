"""Export a packet: what a run left, with its proofs and its page, as one file an outsider verifies offline."""

from wardline.evidence.assemble_packet import ProvableLog, assemble
from wardline.evidence.envelopes import Signer
from wardline.evidence.log import Blobs
from wardline.ids import RunId


def export_packet(run: RunId, log: ProvableLog, blobs: Blobs, *, signer: Signer) -> bytes:
    """Return the packet of a sealed run: at every call the same bytes.

    Raises:
        NotFound: The run left nothing.
        Refused: The run is not sealed.
    """
    return assemble(run, log, blobs).sign(signer).encode()
