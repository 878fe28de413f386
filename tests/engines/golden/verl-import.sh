#!/usr/bin/env bash
# A checkpoint of verl back to a plain Hugging Face folder: ./import.sh checkpoints/global_step_100 merged
set -euo pipefail
step=${1:?checkpoint folder, for example checkpoints/global_step_100}
out=${2:?folder for the merged model}
python3 -m verl.model_merger merge --backend fsdp --local_dir "$step/actor" --target_dir "$out"
echo "evaluate it:  wherewise eval run BENCHMARK --model $out --data FOLDER"
