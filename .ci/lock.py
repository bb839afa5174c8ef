"""Turn pip's report of what it would install into the lines of constraints.txt."""

import json
import sys
from pathlib import Path

ABOUT = """\
# The exact versions that `make` installs and CI tests; renewed by `make lock`, not by hand.
# Without hashes: torch has another one for each build (CPU, CUDA), and pip takes hashes for all
# packages or none, which also excludes an editable install.
"""

report = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
found = [one["metadata"] for one in report["install"] if "dir_info" not in one["download_info"]]
# What comes after a plus names a build: the same version from another index has another.
lines = {f"{one['name'].lower()}=={one['version'].partition('+')[0]}\n" for one in found}
print(ABOUT + "".join(sorted(lines)), end="")
