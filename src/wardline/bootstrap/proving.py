"""Which engine gates ask, and what tries policies before they first decide."""

from importlib.metadata import PackageNotFoundError, version

import wardline
from wardline.delivery.vouch import Proving
from wardline.gates.trials import Tool

_ENGINE = "common-expression-language"


def engine_tool() -> Tool:
    """Return which engine gates ask."""
    try:
        return Tool(name=_ENGINE, version=version(_ENGINE))
    except PackageNotFoundError:
        return Tool(name=_ENGINE, version="unknown")


def proving() -> Proving:
    return Proving(tool=engine_tool(), wardline=wardline.__version__)
