#!/usr/bin/env bash
# ourAdd as the authors released it: RTE's 1,522 and IMDb's 6,173 rows beside ZeroGen's data.
# IMDb's ZeroGen data are rows that GPT2-XL wrote in its manner. SEEDS=0,1,2; MiniLM's probe.
set -- small "$@"
. "$(dirname "$0")/../recipe.sh"
released="$(realpath "$DATA")/s3_gpt35_synthetic"
zerogen="$(realpath "$DATA")/zerogen_style_imdb/gpt2-xl.jsonl.gz"
root=multirun/released
mkdir -p "$root"
cat "$released"/rte_additional_{1,2}.jsonl > "$root/rte.jsonl"
zcat "$released"/imdb_additional_{1,2}.jsonl.gz > "$root/imdb.jsonl"

sweep task=rte method=zerogen
sweep task=rte method=zerogen_ouradd "method.add_from=$root/rte.jsonl" method.size=1602
sweep task=imdb method=zerogen "method.seed_from=$zerogen" method.size=1000,2000
for rows in 2000 7173; do # 1,000 of ZeroGen's and as many again; and all that was released
    sweep task=imdb method=zerogen_ouradd "method.seed_from=$zerogen" seed_size=1000 \
        "method.add_from=$root/imdb.jsonl" "method.size=$rows"
done
size=released
table zerogen '*-zerogen' '*-zerogen_ouradd'
