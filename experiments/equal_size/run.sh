#!/usr/bin/env bash
# S3, GoldGen and ZeroGen at equal size, three seeds each, on real RTE and IMDb, cut at 128 tokens.
set -euo pipefail
: "${DATA:?set DATA to the folder of the real data}"
export DATA
DATA=$(realpath "$DATA")
cd "$(dirname "$0")/../.."
python run.py -m --config-dir=experiments/equal_size/conf task=real_rte,real_imdb \
    method=zerogen,s3,goldgen seed=0,1,2 seed_size=80 method.size=120 model.max_length=128 \
    task.gold.files.path="$DATA" "$@"
