#!/usr/bin/env bash
# The paper's Table 8: coverage of gold by round, at equal size; maps of a run of S3 for each task.
. "$(dirname "$0")/../recipe.sh"
tasks=(rte qnli)
if [ "$size" = paper ]; then
    tasks+=(adversarial_qa)
fi
sweep "task=$(IFS=,; echo "${tasks[*]}")" method=s3,goldgen,zerogen # Table 2's
mapfile -t runs < <(for task in "${tasks[@]}"; do finished "$task"-{s3,goldgen,zerogen}; done)
[ ${#runs[@]} -gt 0 ] || exit 0
PYTHONPATH=. python experiments/table8/table8.py "${runs[@]}" | tee "experiments/table8/$size.md"
for task in "${tasks[@]}"; do
    python -m s3 figures "$(finished "$task-s3" | head -1)" -o "$root/maps/$task" --format svg
done
