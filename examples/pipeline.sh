#!/usr/bin/env bash
# raysk in a shell pipeline: search on a few candidates, hand the best parameters on, fit with them.
#
#     bash examples/pipeline.sh             # the model goes to a new temporary folder
#     bash examples/pipeline.sh "my models" # or to an existing folder of yours
#
# Works from any folder. RAYSK names the program if `raysk` is not on PATH; N_ITER the number of candidates.
# stdout is data (one JSON object), stderr is conversation: `bash examples/pipeline.sh | jq .model` works too.
set -euo pipefail

raysk=${RAYSK:-raysk}
examples=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
out=$(cd -- "${1:-$(mktemp -d)}" && pwd)

# The search answers with one JSON object; what follows turns its best parameters into NAME=VALUE lines.
# With jq: jq -r '.best_params | to_entries[] | "\(.key)=\(.value | tojson)"'
best=$(
    "$raysk" search "$examples/svm_digits.py" --n-iter "${N_ITER:-8}" --cv 3 --no-refit --run-dir "$out/search" |
        python3 -c '
import json, sys
for name, value in json.load(sys.stdin)["best_params"].items():
    print(f"{name}={json.dumps(value)}")
'
)

settings=()
while IFS= read -r setting; do
    settings+=(--set "$setting")
done <<<"$best"
echo "best of ${N_ITER:-8} candidates:" "${settings[@]}" >&2

"$raysk" fit "$examples/svm_digits.py" "${settings[@]}" --run-dir "$out/fit" -o "$out/best svm.pkl" |
    python3 -m json.tool
