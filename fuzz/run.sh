#!/usr/bin/env bash
# Fuzzes what strangers send, on the stable compiler: fuzz/run.sh [seconds for each target, 60] [targets, all].
# New inputs go to target/fuzz/found; one that breaks a target is named, and goes to fuzz/corpus once it is mended.
set -euo pipefail
cd "$(dirname "$0")"

seconds=${1:-60}
shift || true
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
  for path in targets/*.rs; do targets+=("$(basename "$path" .rs)"); done
fi

# The compiler's coverage for libFuzzer, which cargo-fuzz would set on a nightly one.
export RUSTC_BOOTSTRAP=1
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/../target/fuzz}
export RUSTFLAGS="--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 -Cdebug-assertions=on"
triple=$(rustc -vV | sed -n 's/^host: //p')

cargo build --release --target "$triple"
for target in "${targets[@]}"; do
  found=$CARGO_TARGET_DIR/found/$target
  mkdir -p "$found"
  echo "fuzz: $target for $seconds s"
  "$CARGO_TARGET_DIR/$triple/release/$target" "$found" "corpus/$target" \
    -max_total_time="$seconds" -max_len=4096 -rss_limit_mb=1024 -timeout=5 -artifact_prefix="$found/broken-" -print_final_stats=1 \
    2>&1 | grep -E "^(stat::|==|SUMMARY|thread|Test unit)|panicked" || true
  if compgen -G "$found/broken-*" >/dev/null; then
    echo "fuzz: $target was broken by $(ls "$found"/broken-*)" >&2
    exit 1
  fi
done
