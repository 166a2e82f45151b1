#!/usr/bin/env bash
# Usage: stage.sh NAME COMMAND…   Runs one stage of `make test` and prints how long it took, whether it passed or not.
set -euo pipefail

name=$1
shift
printf '== %s\n' "$name"
began=$SECONDS
code=0
"$@" || code=$?
outcome=passed
[ "$code" -eq 0 ] || outcome="FAILED with code $code"
printf '== %s %s after %d s\n\n' "$name" "$outcome" $((SECONDS - began))
exit "$code"
