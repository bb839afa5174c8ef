"""Run an experiment from a checkout: `python run.py task=rte` is `s3 run task=rte`."""

import sys

from s3.main import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
