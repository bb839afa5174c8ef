#!/usr/bin/env bash
# The paper's Table 2: all methods on all tasks.
. "$(dirname "$0")/../recipe.sh"
sweep task=rte,qnli,imdb,adversarial_qa method=gold,zerogen,goldgen,s3
sweep task=imdb method=progen # for classification; in the paper IMDb alone
if [ "$size" = small ]; then # a task of four labels, and S3 as it is by default here
    sweep task=tweet_emotion method=gold,zerogen,goldgen,s3
    sweep task=rte,qnli,imdb,tweet_emotion method=s3_mixed
fi
table gold '*-gold' '*-zerogen' '*-progen' '*-goldgen' '*-s3' '*-s3_mixed'
