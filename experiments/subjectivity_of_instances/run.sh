#!/usr/bin/env bash
# Accuracy over how far annotators agree, on ChaosNLI's SNLI rows: real rows and synthetic ones.
set -euo pipefail
: "${DATA:?set DATA to the folder of the real data}" "${OUT:?set OUT to a folder for the runs}"
DATA=$(realpath "$DATA") OUT=$(realpath -m "$OUT")
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."
mkdir -p "$OUT/gold"
# The first 514 rows are gold validation, the other 1,000 are test.
head -n 514 "$DATA/chaosnli/snli.jsonl" > "$OUT/gold/validation.jsonl"
tail -n 1000 "$DATA/chaosnli/snli.jsonl" > "$OUT/gold/test.jsonl"
common=(--config-dir="$here/conf" task=chaosnli task.gold.files.path="$OUT/gold")
common+=(hydra.sweep.dir="$OUT/runs" seed=0,1,2)
python run.py -m "${common[@]}" method=gold task.gold.validation_size=100,400 "$@"
common+=(task.gold.validation_size=400)
python run.py -m "${common[@]}" method=zerogen seed_size=200 "$@"
python run.py -m "${common[@]}" method=zeroshot,fewshot seed_size=90 "$@"
python -m s3 agreement "$OUT/runs" --columns votes_100 --figure "$OUT/agreement.svg"

# Financial PhraseBank states of each sentence how many of its 5 to 8 annotators agree: every fifth
# row is gold validation, and the row after it is test.
mkdir -p "$OUT/financial"
awk 'NR % 5 == 1' "$DATA/financial_phrasebank/all.jsonl" > "$OUT/financial/validation.jsonl"
awk 'NR % 5 == 2' "$DATA/financial_phrasebank/all.jsonl" > "$OUT/financial/test.jsonl"
common=(task=financial_phrasebank task.gold.source=files task.gold.files.path="$OUT/financial")
common+=(task.gold.files.validation=validation.jsonl task.gold.files.test=test.jsonl)
common+=(hydra.sweep.dir="$OUT/financial_runs" seed=0,1,2 task.gold.validation_size=400)
python run.py -m "${common[@]}" method=gold,zerogen seed_size=100 "$@"
python -m s3 agreement "$OUT/financial_runs" --columns agreement --metric macro_f1 \
  --figure "$OUT/financial.svg"
