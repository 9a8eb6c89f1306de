"""One request to one instance, past the proxy."""

import http.client
from dataclasses import dataclass
from datetime import timedelta

from wardline.adapters.targets.local.supervisor.ports import LOOPBACK
from wardline.clock import Clock

_MAX_BODY_BYTES = 64 << 10  # a health answer is read so far and no further


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int | None  # None: no answer
    took_ms: int
    reason: str | None = None  # why there was none

    @property
    def healthy(self) -> bool:
        return self.status is not None and 200 <= self.status < 300  # noqa: PLR2004 - RFC 9110 §15.3

    @property
    def failed(self) -> bool:
        return self.status is None or self.status >= 500  # noqa: PLR2004 - RFC 9110 §15.6

    def __str__(self) -> str:
        return self.reason or f"answered {self.status}"


def ask(port: int, path: str, *, clock: Clock, timeout: timedelta) -> Answer:
    """Send one GET and return how it was answered; no answer is an Answer, too."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=timeout.total_seconds())
    begun = clock.elapsed()
    try:
        connection.request("GET", path, headers={"User-Agent": "wardline", "Connection": "close"})
        answer = connection.getresponse()
        answer.read(_MAX_BODY_BYTES)
    except TimeoutError:
        return Answer(status=None, took_ms=_ms(clock.elapsed() - begun), reason="no answer in time")
    except (OSError, http.client.HTTPException) as error:
        return Answer(status=None, took_ms=_ms(clock.elapsed() - begun), reason=_reason(error))
    finally:
        connection.close()
    return Answer(status=answer.status, took_ms=_ms(clock.elapsed() - begun))


def _ms(duration: timedelta) -> int:
    return round(duration / timedelta(milliseconds=1))


def _reason(error: OSError | http.client.HTTPException) -> str:
    # The text of a broken answer may quote it; the system's own words may not.
    return (error.strerror or type(error).__name__) if isinstance(error, OSError) else type(error).__name__
