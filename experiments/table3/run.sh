#!/usr/bin/env bash
# The paper's Table 3: S3 without error extrapolation, seed data alone.
. "$(dirname "$0")/../recipe.sh"
sweep task=rte,qnli,imdb,adversarial_qa method=s3,seed_only
table seed_only {rte,qnli,imdb,adversarial_qa}-{s3,seed_only}
