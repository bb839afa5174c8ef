#!/usr/bin/env bash
# Real, zero-shot and few-shot rows on six tasks, beside how subjective the tasks are: Li et al. (2023).
set -euo pipefail
: "${DATA:?set DATA to the folder of the real data}" "${OUT:?set OUT to a folder for the runs}"
DATA=$(realpath "$DATA") OUT=$(realpath -m "$OUT")
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."
rows="${ROWS:-24}" # synthetic ones, and as many real ones
tasks=ag_news,sms_spam,financial_phrasebank,imdb,tweet_emotion,tweet_irony

# Every so manieth row of a file, which may be packed, into one of the files of a task.
part() {
    mkdir -p "$OUT/gold/$1"
    zcat -f "$DATA/$3" | awk "$4" > "$OUT/gold/$1/$2.jsonl"
}
for set in ag_news:train_sub1000.jsonl:test.jsonl.gz imdb:train_sub2500.jsonl.gz:test_sub2500.jsonl.gz; do
    IFS=: read -r task train test <<< "$set"
    part "$task" train "$task/$train" 'NR % 5 != 0'
    part "$task" validation "$task/$train" 'NR % 5 == 0'
    part "$task" test "$task/$test" 1
done
for task in sms_spam financial_phrasebank; do # which have no splits
    part "$task" train "$task/all.jsonl" 'NR % 5 > 2'
    part "$task" validation "$task/all.jsonl" 'NR % 5 == 1'
    part "$task" test "$task/all.jsonl" 'NR % 5 == 2 || NR % 5 == 0'
done
for task in tweet_irony tweet_emotion; do
    for split in train validation test; do
        part "$task" "$split" "tweeteval_${task#tweet_}/$split.jsonl" 1
    done
done

# The small model chooses by 100 rows of gold validation, whatever it is trained on. Of the sweep the
# last option varies first: one seed of all tasks, then the next.
common=("hydra.sweep.dir=$OUT/runs" "seed=${SEEDS:-0,1,2}" "task=$tasks")
common+=(task.gold.source=files "task.gold.files.path=$OUT/gold/\${task.name}" gold_baseline=false)
common+=(task.gold.files.{train=train,validation=validation,test=test}.jsonl)
common+=(task.gold.validation_size=100 task.gold.test_size=300 model.max_length=128)
python run.py -m "${common[@]}" method=gold,zeroshot,fewshot "task.gold.train_size=$rows" \
    "seed_size=$rows" "$@"
python run.py -m "${common[@]}" method=gold task.gold.train_size=800 "$@"

# How subjective the tasks are: an LLM's judgements; JUDGEMENTS names sheets that people have filled in.
[ -e "$OUT/judgements.csv" ] || python -m s3 judgements ask llm=smollm2 -o "$OUT/judgements.csv" \
    "ag_news=is a news story about the world, sports, business, or science and technology?" \
    "sms_spam=is a text message spam or ordinary?" \
    "financial_phrasebank=is a sentence of financial news good, bad or neutral for investors?" \
    "imdb=is a film review positive or negative?" \
    "tweet_emotion=does a tweet express anger, joy, optimism or sadness?" \
    "tweet_irony=is a tweet meant ironically?"
# shellcheck disable=SC2086
python "$here/table.py" "$OUT/runs" --rows "$rows" --judgements ${JUDGEMENTS:-"$OUT/judgements.csv"}

# Where annotators agree: Financial PhraseBank states of each sentence how many of 5 to 8 do.
python -m s3 agreement "$OUT"/runs/financial_phrasebank-* --columns agreement --metric macro_f1 \
    --figure "$OUT/agreement.svg"
