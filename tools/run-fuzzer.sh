#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# run-fuzzer.sh PROGRAM: fuzzes for $LIFEBOAT_FUZZ_SECONDS (default 20), starting from the seeds that the build made
# beside the program; what it learns is kept there too, what breaks it as well.
set -euo pipefail
program=$(readlink -f "$1")
name=$(basename "$program" _fuzz)
folder=$(dirname "$program")
mkdir -p "$folder/corpus/$name" "$folder/seeds/$name" "$folder/findings"
limit=10 # seconds for one input; a whole dump asks every question there is
[ "$name" = dump ] && limit=60
echo "fuzzing $name for ${LIFEBOAT_FUZZ_SECONDS:-20} s"
exec "$program" -max_total_time="${LIFEBOAT_FUZZ_SECONDS:-20}" -timeout="$limit" -rss_limit_mb=2048 -max_len=65536 \
  -print_final_stats=1 -verbosity=1 -artifact_prefix="$folder/findings/$name-" "$folder/corpus/$name" "$folder/seeds/$name"
