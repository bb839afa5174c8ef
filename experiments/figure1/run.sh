#!/usr/bin/env bash
# The paper's Figure 1: accuracy by epoch on IMDb, learnt from ZeroGen's data and from gold data.
. "$(dirname "$0")/../recipe.sh"
root+=-epochs # fine-tuned, each by itself
if [ "$size" = small ]; then # rows of GPT2-XL in ZeroGen's manner, as many as gold rows train
    zerogen="$(realpath "$DATA")/zerogen_style_imdb/gpt2-xl.jsonl.gz"
    common+=(model.training=finetune model.epochs=6 model.max_length=64 model.learning_rate=1e-4)
    common+=(task.gold.validation_size=375 task.gold.test_size=300 gold_baseline=false)
    sweep task=imdb method=gold # a fifth of 375 chooses
    sweep task=imdb method=zerogen method.size=300 "method.seed_from=$zerogen"
else
    sweep task=imdb method=gold,zerogen
fi
table gold imdb-gold imdb-zerogen
PYTHONPATH=. python experiments/figure1/figure.py "$size" "$root"/imdb-{gold,zerogen}-*
