#!/usr/bin/env bash
# S3 as published (errors alone) and GoldGen at equal size, four seeds, and their distances from gold.
set -euo pipefail
: "${DATA:?set DATA to the folder of the real data}"
export DATA
DATA=$(realpath "$DATA")
cd "$(dirname "$0")/../.."
common=(--config-dir=experiments/equal_size/conf task=real_rte,real_qnli,real_imdb seed=0,1,2,3
    seed_size=80 method.size=160 model.max_length=128 task.gold.files.path="$DATA")
python run.py -m "${common[@]}" method=s3 method.error_share=1 "$@"
python run.py -m "${common[@]}" method=goldgen "$@"
PYTHONPATH=. python experiments/section_2_6/run.py multirun
