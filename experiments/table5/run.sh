#!/usr/bin/env bash
# The paper's Table 5: what is added to ZeroGen's data, S3's additions (ourAdd) or extrapolations of
# its own errors (synAdd).
. "$(dirname "$0")/../recipe.sh"
tasks=(imdb qnli adversarial_qa)
sweep "task=$(IFS=,; echo "${tasks[*]}")" method=zerogen,zerogen_synadd,s3
for task in "${tasks[@]}"; do
    for seed in ${seeds//,/ }; do # each seed has a run of S3's whose additions it takes
        made=$(compgen -G "$root/$task-s3-*-seed$seed-*/summary.json" | head -1 || true)
        [ -n "$made" ] || continue # a dry run makes none; nothing more is asked of the LLM here
        seeds="$seed" sweep "task=$task" method=zerogen_ouradd "method.add_from=${made%/*}"
    done
done
table zerogen {imdb,qnli,adversarial_qa}-{zerogen,zerogen_ouradd,zerogen_synadd}
