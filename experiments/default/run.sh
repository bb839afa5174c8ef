#!/usr/bin/env bash
# What the default shows: S3 on the bundled sets, with the embedded LLM, seeds 0 to 2.
set -euo pipefail
cd "$(dirname "$0")/../.."
python run.py -m task=rte,qnli,imdb method=s3 seed=0,1,2 "$@"
