#!/usr/bin/env bash
# Appendix B of the paper: operations and money of each method.
# First the paper's sizes by formula alone, then what finished runs took: those in the folders named.
set -euo pipefail
cd "$(dirname "$0")/../.."
PYTHONPATH=. python experiments/appendix_b/appendix_b.py "$@"
