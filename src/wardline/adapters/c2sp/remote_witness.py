"""A witness on another machine, asked over HTTP (https://c2sp.org/tlog-witness)."""

import re

from wardline.adapters.c2sp.http import Peer, Reply
from wardline.errors import IntegrityViolation, Refused, Unavailable
from wardline.tlog.add_checkpoint import PATH, SIZE_TYPE, AddCheckpoint, Answer, Cosigned, HasSeen, NotConnected

_MAX_ANSWER_BYTES = 65_536
_SIZE = re.compile(rb"(0|[1-9][0-9]{0,15})\n")
_SHOWN = 200  # characters of what a stranger says


class RemoteWitness:
    """Sends checkpoints to the witness at one submission prefix."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    def add(self, request: AddCheckpoint) -> Answer:
        """Return what the witness answers.

        Raises:
            Unavailable: It does not answer, or not as a witness does.
            Refused: It does not know this log, or not its key.
        """
        reply = self._peer.post(PATH, request.encode().encode(), at_most=_MAX_ANSWER_BYTES)
        match reply.status:
            case 200:
                return Cosigned(lines=_text(reply, self._peer.prefix))
            case 409:
                return self._seen(reply)
            case 422:
                return NotConnected(said=_shown(reply))
            case 403 | 404:
                raise Refused(
                    f"witness at {self._peer.prefix}: it does not know this log or its key ({_shown(reply)})",
                    remedy="Give its operator this log's key: wardline keys show.",
                )
            case _:
                raise Unavailable(f"witness at {self._peer.prefix}: status {reply.status} ({_shown(reply)})")

    def _seen(self, reply: Reply) -> HasSeen:
        match = _SIZE.fullmatch(reply.body)
        if match is None or reply.media_type != SIZE_TYPE:
            raise Unavailable(f"witness at {self._peer.prefix}: it answers a conflict without the size that it has")
        return HasSeen(size=int(match[1]))


def _text(reply: Reply, prefix: str) -> str:
    try:
        return reply.body.decode()
    except UnicodeDecodeError as error:
        raise IntegrityViolation(f"witness at {prefix}: its cosignature is no text") from error


def _shown(reply: Reply) -> str:
    """Return the beginning of what a stranger says, without control characters, so that it can be printed."""
    text = reply.body[:_SHOWN].decode(errors="replace")
    return "".join(character if character.isprintable() else " " for character in text).strip() or "no reason given"
