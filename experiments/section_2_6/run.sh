#!/usr/bin/env bash
# Section 2.6 of the paper: how far the training sets of S3 and GoldGen are from gold, round by round.
. "$(dirname "$0")/../recipe.sh"
sweep task=rte,qnli,imdb method=s3,goldgen # Table 2's
mapfile -t runs < <(finished {rte,qnli,imdb}-{s3,goldgen})
[ ${#runs[@]} -gt 0 ] || exit 0
PYTHONPATH=. python experiments/section_2_6/run.py "$size" "${runs[@]}"
