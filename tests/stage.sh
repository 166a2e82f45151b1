#!/usr/bin/env bash
# Usage: stage.sh NAME COMMAND…   Runs one stage of `make test` and prints how long it took, whether it passed or not. A
# command that ends with 77 could not be run on this machine: then the stage was skipped, and says so.
set -euo pipefail

name=$1
shift
printf '== %s\n' "$name"
began=$SECONDS
code=0
"$@" || code=$?
outcome=passed
if [ "$code" -eq 77 ]; then
  outcome=SKIPPED
  code=0
elif [ "$code" -ne 0 ]; then
  outcome="FAILED with code $code"
fi
printf '== %s %s after %d s\n\n' "$name" "$outcome" $((SECONDS - began))
exit "$code"
