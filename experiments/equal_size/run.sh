#!/usr/bin/env bash
# S3, GoldGen, ZeroGen and gold alone at equal size (160), five seeds each, on four real sets.
set -euo pipefail
: "${DATA:?set DATA to the folder of the real data}"
export DATA
DATA=$(realpath "$DATA")
cd "$(dirname "$0")/../.."
python run.py -m --config-dir=experiments/equal_size/conf \
    task=real_rte,real_qnli,real_imdb,real_emotion method=zerogen,s3,goldgen seed=0,1,2,3,4 \
    seed_size=80 method.size=160 model.max_length=128 \
    task.gold.files.path="$DATA" "$@"
