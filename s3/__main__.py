"""Starts the command line: `python -m s3 COMMAND`."""

import sys

from s3.commands.app import main

if __name__ == "__main__":
    sys.exit(main())
