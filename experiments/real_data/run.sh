#!/usr/bin/env bash
# S3 with the embedded LLM on real data: 200 seed examples, 80 for qnli and adversarial_qa.
set -euo pipefail
: "${DATA:?set DATA to the folder of the real data}"
export DATA
DATA=$(realpath "$DATA")
cd "$(dirname "$0")/../.."
common=(method=s3 task.gold.source=files task.gold.validation_size=300 "$@")
python run.py task=rte "${common[@]}" task.gold.files.path="$DATA/rte" \
    task.gold.files.validation=train.jsonl task.gold.files.test=validation.jsonl
python run.py task=imdb "${common[@]}" task.gold.files.path="$DATA/imdb" \
    task.gold.files.validation=train_sub2500.jsonl.gz \
    task.gold.files.test=test_sub2500.jsonl.gz task.gold.test_size=1000 model.max_length=128
# The tasks whose contexts are passages, in small.
small=(method=s3 seed_size=80 task.gold.source=files task.gold.validation_size=100
    task.gold.test_size=1000 "$@")
python run.py task=qnli "${small[@]}" task.gold.files.path="$DATA/qnli" \
    task.gold.files.validation=train_sub9999.jsonl.gz task.gold.files.test=validation.jsonl.gz \
    +task.gold.files.columns.paragraph=sentence
python run.py task=adversarial_qa "${small[@]}" task.gold.files.path="$DATA/adversarial_qa" \
    task.gold.files.validation=proxy_train_from_validation.jsonl.gz \
    task.gold.files.test=proxy_test_from_validation.jsonl.gz
