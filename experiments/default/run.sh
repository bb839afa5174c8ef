#!/usr/bin/env bash
# What the default shows: S3 on the bundled sets, with the embedded LLM. Where DATA names the folder
# of the real data, on real RTE and QNLI too.
set -euo pipefail
[ -z "${DATA:-}" ] || DATA=$(realpath "$DATA")
cd "$(dirname "$0")/../.."
python run.py -m task=rte,qnli,imdb method=s3 seed=0,1,2,3,4 "$@"
[ -n "${DATA:-}" ] || exit 0
real=(method=s3 seed=0,1,2,3,4 seed_size=200 task.gold.source=files
    task.gold.validation_size=300 "$@")
python run.py -m task=rte "${real[@]}" task.gold.files.path="$DATA/rte" \
    task.gold.files.validation=train.jsonl task.gold.files.test=validation.jsonl
python run.py -m task=qnli "${real[@]}" task.gold.files.path="$DATA/qnli" \
    task.gold.files.validation=train_sub9999.jsonl.gz \
    task.gold.files.test=validation.jsonl.gz task.gold.test_size=1000 \
    +task.gold.files.columns.paragraph=sentence
