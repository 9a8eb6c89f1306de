"""Publishes a log as files: the program that faults are put into. Run as `python publisher.py DATABASE SITE`.

Exit 0: the site is as far as the log; 75: one of our errors stopped it.
"""

import sys
from pathlib import Path

from tests.integration.faults.writer import REFUSED, say

from wardline.adapters.c2sp.tile_files import write_tiles
from wardline.adapters.storage.database import open_database
from wardline.adapters.storage.published import SQLPublishedLog
from wardline.errors import WardlineError


def main(database: Path, site: Path) -> int:
    try:
        with open_database(database) as opened:
            say(f"published {write_tiles(SQLPublishedLog(opened), site, entries=True).size}")
    except WardlineError as error:
        say(f"refused {type(error).__name__}: {error.what}")
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
