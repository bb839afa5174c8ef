#!/usr/bin/env bash
# Table 8 of the paper at small size: coverage of gold by round, at equal size, three methods.
# DATA holds rte/ and qnli/ as JSON Lines; texts that the LLM has written before are free.
set -euo pipefail
: "${DATA:?set DATA to the folder of the real data}"
export DATA
DATA=$(realpath "$DATA")
cd "$(dirname "$0")/../.."
run() {
    python run.py -m --config-dir=experiments/equal_size/conf task=real_rte,real_qnli seed=0,1,2 \
        seed_size=80 method.size=160 model.max_length=128 task.gold.files.path="$DATA" "$@"
}
run method=s3 method.error_share=1
run method=goldgen,zerogen
PYTHONPATH=. python experiments/table8/table8.py multirun
