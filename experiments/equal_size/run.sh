#!/usr/bin/env bash
# S3, GoldGen and ZeroGen at equal size, three seeds each, on real IMDb (truncated) and RTE.
set -euo pipefail
: "${DATA:?set DATA to the folder of the real data}"
cd "$(dirname "$0")/../.."
common=(method=zerogen,s3,goldgen seed=0,1,2 seed_size=100 method.size=160
    task.gold.source=files task.gold.validation_size=100 "$@")
python run.py -m task=rte "${common[@]}" task.gold.files.path="$DATA/rte" \
    task.gold.files.validation=train.jsonl task.gold.files.test=validation.jsonl
python run.py -m task=imdb "${common[@]}" task.gold.files.path="$DATA/imdb" \
    task.gold.files.validation=train_sub2500.jsonl.gz \
    task.gold.files.test=test_sub2500.jsonl.gz task.gold.test_size=500 model.max_length=128
