#!/usr/bin/env bash
# The paper's Table 4: seed data of IMDb with and without rationales.
. "$(dirname "$0")/../recipe.sh"
sweep task=imdb method=seed_only,without_rationales
table without_rationales imdb-seed_only imdb-without_rationales
