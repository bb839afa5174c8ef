#!/usr/bin/env bash
# The small model tuned on gold validation, with one synthetic set; the best against the default.
set -euo pipefail
: "${DATA:?set DATA to the folder of the real data}"
DATA=$(realpath "$DATA")
cd "$(dirname "$0")/../.."
common=(--config-dir=experiments/conf preset=small task=imdb task.gold.files.path="$DATA"
    method=zerogen gold_baseline=false
    model.max_length=32 model.training=finetune)
python run.py -m "${common[@]}" sweep=student 'model.epochs=range(1,4)' task.gold.test_size=20 \
    hydra.sweep.dir=multirun/tuning "hydra.sweeper.n_trials=${TRIALS:-20}" "$@"
recipe=$(basename -s .yaml multirun/tuning/recipe/*.yaml)
test=(root=multirun/tuned task.gold.test_size=1000 seed=0)
python run.py "${common[@]}" "${test[@]}"
python run.py "${common[@]}" "${test[@]}" 'hydra.searchpath=[multirun/tuning]' "+recipe=$recipe"
python -m s3 compare multirun/tuned --against model.learning_rate=0.0002 # the default
