# What the recipes of the paper's tables share: bash experiments/RECIPE/run.sh SIZE [OPTION ...]
#
# SIZE is `small` (real data from the folder that DATA names, the embedded LLM, MiniLM, SEEDS=0,1,2)
# or `paper` (preset=paper: hub data, a GPT model, DistilBERT; needs OPENAI_API_KEY and a GPU;
# SEEDS=0). Options go to each command: dry_run=true shows what it asks for and costs; the runs are
# made below root=multirun/SIZE.
set -euo pipefail
size="${1:-}"
recipe=$(basename "$(dirname "$0")")
case "$size" in
small)
    : "${DATA:?set DATA to the folder of the real data}"
    seeds="${SEEDS:-0,1,2}" common=(preset=small "task.gold.files.path=$(realpath "$DATA")")
    ;;
paper) seeds="${SEEDS:-0}" common=(preset=paper) ;;
*)
    echo "usage: bash experiments/$recipe/run.sh small|paper [OPTION ...]" >&2
    exit 2
    ;;
esac
shift
root="multirun/$size" options=()
for option in "$@"; do
    case "$option" in
    root=*) root="${option#root=}" ;; # the table's runs are looked for there
    *) options+=("$option") ;;
    esac
done
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# The jobs of a sweep, all into one folder: a run that another recipe has made is not made again.
sweep() {
    python run.py -m --config-dir=experiments/conf "${common[@]}" "root=$root" "seed=$seeds" \
        "$@" "${options[@]}"
}

# The folders of finished runs, found by parts of their names, a line each: none after a dry run.
finished() {
    local name folder
    for name in "$@"; do
        for folder in "$root"/$name-*-seed*; do
            if [ -e "$folder/summary.json" ]; then echo "$folder"; fi
        done
    done
}

# The table of finished runs, found by parts of their names, against a method: into SIZE.md here.
table() {
    local against="$1" folders made
    shift
    mapfile -t folders < <(finished "$@")
    [ ${#folders[@]} -gt 0 ] || return 0
    made=$(python -m s3 compare "${folders[@]}" --against "method=$against" --format markdown)
    [ -n "$made" ] || return 0
    echo "$made" | tee "experiments/$recipe/$size.md"
}
