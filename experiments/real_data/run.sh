#!/usr/bin/env bash
# S3 with the embedded LLM on real RTE and IMDb: 200 seed examples, two rounds.
set -euo pipefail
: "${DATA:?set DATA to the folder of the real data}"
cd "$(dirname "$0")/../.."
common=(method=s3 task.gold.source=files task.gold.validation_size=300 "$@")
python run.py task=rte "${common[@]}" task.gold.files.path="$DATA/rte" \
    task.gold.files.validation=train.jsonl task.gold.files.test=validation.jsonl
python run.py task=imdb "${common[@]}" task.gold.files.path="$DATA/imdb" \
    task.gold.files.validation=train_sub2500.jsonl.gz \
    task.gold.files.test=test_sub2500.jsonl.gz task.gold.test_size=1000 model.max_length=128
