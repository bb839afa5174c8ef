#!/usr/bin/env bash
# Every task with every method on the bundled gold data, in small: 120 examples each.
set -euo pipefail
cd "$(dirname "$0")/../.."
python run.py -m task=rte,imdb,qnli,adversarial_qa method=gold "$@"
python run.py -m task=rte,imdb,qnli,adversarial_qa method=zerogen,s3,goldgen \
    seed_size=80 method.size=120 "$@"
python run.py -m task=imdb method=progen seed_size=120 method.held_out=40 "$@"
