#!/usr/bin/env bash
# What the default shows: S3 on the bundled sets, with the embedded LLM.
set -euo pipefail
cd "$(dirname "$0")/../.."
python run.py -m task=rte method=s3 seed=0,1,2,3,4 "$@"
python run.py -m task=qnli,imdb method=s3 seed=0,1,2 "$@"
