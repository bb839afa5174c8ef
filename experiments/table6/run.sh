#!/usr/bin/env bash
# Table 6 of the paper from its released rows: each error and its extrapolation.
# DATA holds rte/, imdb/ and s3_gpt35_synthetic/ (the released rows as JSON Lines).
set -euo pipefail
: "${DATA:?set DATA to the folder of the real data}"
DATA=$(realpath "$DATA")
cd "$(dirname "$0")/../.."
PYTHONPATH=. python experiments/table6/table6.py "$DATA" "$@"
