"""The service's own log: one JSON line an event. Codes, counts and references; never a name, an id or a birth date."""

import hashlib
import hmac
import json
import secrets
import threading
from datetime import UTC, datetime
from typing import TextIO


class Journal:
    """Writes to `stream`, one whole line at a time from whichever thread."""

    def __init__(self, stream: TextIO, *, key: bytes | None = None) -> None:
        self._stream = stream
        self._key = key or secrets.token_bytes(32)
        self._lock = threading.Lock()

    def write(self, event: str, **facts: str | int | None) -> None:
        line = json.dumps({"at": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event, **facts})
        with self._lock:
            self._stream.write(line + "\n")
            self._stream.flush()

    def reference(self, value: str) -> str:
        """Return a short stand-in for `value` that only who holds the key can follow."""
        return hmac.new(self._key, value.encode(), hashlib.sha256).hexdigest()[:12]
