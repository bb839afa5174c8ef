#!/usr/bin/env bash
# MiniLM trained on the authors' released GPT-3.5 extrapolations alone, tested on the real sets.
# DATA holds rte/, imdb/ and s3_gpt35_synthetic/ (the released rows, rounds 1 and 2, as JSON Lines).
set -euo pipefail
: "${DATA:?set DATA to the folder of the real data}"
export DATA
DATA=$(realpath "$DATA")
cd "$(dirname "$0")/../.."
mkdir -p outputs/released
released="$DATA/s3_gpt35_synthetic"
cat "$released"/rte_additional_{1,2}.jsonl > outputs/released/rte.jsonl
zcat "$released"/imdb_additional_{1,2}.jsonl.gz > outputs/released/imdb.jsonl

common=(method=s3 method.extrapolated=nothing task.gold.source=files "$@")
python run.py task=rte "${common[@]}" method.seed_from=outputs/released/rte.jsonl \
    task.gold.files.path="$DATA/rte" task.gold.files.validation=train.jsonl \
    task.gold.files.test=validation.jsonl task.gold.validation_size=300
python run.py task=imdb "${common[@]}" method.seed_from=outputs/released/imdb.jsonl \
    task.gold.files.path="$DATA/imdb" task.gold.files.validation=train_sub2500.jsonl.gz \
    task.gold.files.test=test_sub2500.jsonl.gz task.gold.validation_size=300 \
    task.gold.test_size=1000 model.max_length=128
