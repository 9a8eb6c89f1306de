"""Where the command `wardline` begins: a packet is verified at once, everything else is the command line's."""

import gc
import sys


def main() -> None:
    """Run the command line."""
    if sys.argv[1:2] == ["verify"]:
        gc.disable()  # a life of a tenth of a second, a twentieth of which went into looking for garbage
        from wardline.cli.verifying import verify_at_once

        code = verify_at_once(sys.argv[2:])
        if code is not None:
            sys.exit(code)
        gc.enable()
    from wardline.cli.main import main as run

    run()
