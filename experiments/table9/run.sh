#!/usr/bin/env bash
# The paper's Table 9: Table 2 with MiniLM. In small it is fine-tuned, Table 2 has its probe.
. "$(dirname "$0")/../recipe.sh"
root+=-minilm # beside Table 2's
sweep task=rte,qnli,imdb,adversarial_qa method=gold,zerogen,s3 model=minilm model.training=finetune
table gold '*-gold' '*-zerogen' '*-s3'
