"""Run the command line as ``python -m raysk``."""

import contextlib
import os
import sys
from pathlib import Path

if __name__ == "__main__":
    # Python has put the current folder before all libraries; pip takes it away again, too.
    with contextlib.suppress(OSError):  # it was removed
        if os.path.realpath(sys.path[0]) == str(Path.cwd()):
            del sys.path[0]
    from raysk.cli.app import main

    main()
