#!/usr/bin/env bash
# Installs what the tests with foreign media clients need beside the rest: a Python environment of their own in
# tests/.venv. One that is as requirements.txt wants it is left as it is.
set -euo pipefail
cd "$(dirname "$0")"

environment=../.venv
made_of=$environment/made-of

say() { printf 'set-up: %s\n' "$*"; }

# Runs a command and shows what it said only if it failed, without the addresses that packages come from.
quietly() {
  local said
  if ! said=$("$@" 2>&1); then
    printf '%s\n' "$said" | sed -E 's#[a-z+]+://[^][ "`<>]+#(address)#g' >&2
    printf 'set-up: this failed: %s\n' "$*" >&2
    exit 1
  fi
}

if cmp -s requirements.txt "$made_of" && "$environment/bin/python" -c 'import aiortc, imageio_ffmpeg, websockets' 2>/dev/null; then
  say "Python packages are here"
  exit 0
fi
command -v python3 >/dev/null || { printf 'set-up: python3 is missing; install python3 and python3-venv\n' >&2; exit 1; }
say "installing the Python packages of tests/foreign/requirements.txt"
rm -rf "$environment"
# Without a pip of its own where this machine's can serve: that is most of the time that making one takes.
if python3 -m pip --python "$(command -v python3)" --version >/dev/null 2>&1; then
  quietly python3 -m venv --without-pip "$environment"
  pip=(python3 -m pip --python "$environment/bin/python")
else
  quietly python3 -m venv "$environment"
  pip=("$environment/bin/python" -m pip)
fi
quietly "${pip[@]}" install --quiet --no-compile --no-deps --only-binary :all: --disable-pip-version-check \
  --no-input --requirement requirements.txt
cp requirements.txt "$made_of"
