"""Run the command line as ``python -m raysk``."""

from raysk.cli.app import main

if __name__ == "__main__":
    main()
