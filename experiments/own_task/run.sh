#!/usr/bin/env bash
# A task of one's own, four labels, from one YAML and two files: TweetEval's emotion set.
set -euo pipefail
: "${DATA:?set DATA to the folder of the real data}"
export DATA
DATA=$(realpath "$DATA")
cd "$(dirname "$0")/../.."
python run.py --config-dir=experiments/own_task/conf task=emotion method=s3 \
    task.gold.files.path="$DATA/tweeteval_emotion" task.gold.validation_size=200 \
    task.gold.test_size=1000 "$@"
