#!/usr/bin/env bash
# The paper's Table 2: all methods on all tasks.
. "$(dirname "$0")/../recipe.sh"
sweep task=rte,qnli,imdb,adversarial_qa method=gold,zerogen,goldgen,s3
sweep task=imdb method=progen # for classification; in the paper IMDb alone
if [ "$size" = small ]; then # S3 as it is by default here
    sweep task=rte,qnli,imdb method=s3_mixed
fi
table gold '*-gold' '*-zerogen' '*-progen' '*-goldgen' '*-s3' '*-s3_mixed'
