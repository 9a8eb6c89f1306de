"""Entry point of `python -I -S <this folder> <environment folder>`."""

import importlib
import sys
from pathlib import Path

if __name__ == "__main__":
    # Isolated mode finds only this folder. Its parent goes last, so that no module there can pass for a standard one.
    sys.path[:] = [*sys.path[1:], str(Path(__file__).resolve().parent.parent)]
    importlib.import_module("supervisor.main").main(Path(sys.argv[1]))
