#!/usr/bin/env bash
# Installs what the tests need and this machine lacks, on Debian and its relatives, and says what it does. A machine
# that has everything is left as it is, and then root is not needed.
set -euo pipefail
cd "$(dirname "$0")"

say() { printf 'set-up: %s\n' "$*"; }
die() {
  printf 'set-up: %s\n' "$*" >&2
  exit 1
}

# Runs a command and shows what it said only if it failed. Where packages come from is this machine's own affair:
# addresses stay out of logs that others read.
quietly() {
  local said
  if ! said=$("$@" 2>&1); then
    printf '%s\n' "$said" | sed -E 's#[a-z+]+://[^][ "`<>]+#(address)#g' >&2
    die "this failed: $*"
  fi
}

# Each line: a command, the package that brings it.
needs() {
  cat <<'LIST'
cc gcc
python3 python3
node nodejs
npm npm
mariadbd mariadb-server
mariadb mariadb-client
setpriv util-linux
tc iproute2
nft nftables
postgres postgresql
pebble pebble
nginx nginx-light
nginx-stream libnginx-mod-stream
caddy caddy
openssl openssl
turnutils_uclient coturn
systemd-analyze systemd
gstreamer-webrtc gstreamer1.0-plugins-bad
gstreamer-vpx gstreamer1.0-plugins-good
gstreamer-nice gstreamer1.0-nice
gstreamer-types gir1.2-gst-plugins-bad-1.0
gstreamer-python python3-gi
LIST
  # Python has this part in a package of its own on Debian.
  if ! python3 -c 'import ensurepip' 2>/dev/null; then echo "python3-with-venv python3-venv"; fi
  # CHROMIUM and FIREFOX name other browsers for the browser tests.
  if [ -z "${CHROMIUM:-}" ]; then echo "/usr/bin/chromium chromium"; fi
  if [ -z "${FIREFOX:-}" ]; then echo "/usr/bin/firefox-esr firefox-esr"; fi
}

# The databases' packages would start servers of the machine's own; the tests start theirs. Debian's way to say so is
# a file (invoke-rc.d(8)), which is there only meanwhile.
without_services() {
  local policy=/usr/sbin/policy-rc.d
  if [ -e "$policy" ]; then
    "$@"
    return
  fi
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
  trap 'rm -f /usr/sbin/policy-rc.d' EXIT
  "$@"
  rm -f "$policy"
  trap - EXIT
}

# PostgreSQL keeps its programs out of the path, and nginx is root's; modules and plug-ins are no programs.
has() {
  case "$1" in
  nginx)
    [ -x /usr/sbin/nginx ]
    return
    ;;
  nginx-stream)
    [ -e /usr/lib/nginx/modules/ngx_stream_module.so ]
    return
    ;;
  gstreamer-types)
    [ -n "$(compgen -G '/usr/lib/*/girepository-1.0/GstWebRTC-1.0.typelib')" ]
    return
    ;;
  gstreamer-python)
    /usr/bin/python3 -c 'import gi' 2>/dev/null
    return
    ;;
  gstreamer-*)
    [ -n "$(compgen -G "/usr/lib/*/gstreamer-1.0/libgst${1#gstreamer-}.so")" ]
    return
    ;;
  esac
  if [ "$1" = postgres ]; then
    [ -n "$(find /usr/lib/postgresql -path '*/bin/initdb' 2>/dev/null)" ] || command -v initdb
  else
    command -v "$1"
  fi
}

install_packages() {
  local missing=()
  while read -r command package; do
    has "$command" >/dev/null || missing+=("$package")
  done < <(needs)
  if [ "${#missing[@]}" -eq 0 ]; then
    say "compiler, Node, browser, databases and proxies are here"
    return
  fi
  command -v apt-get >/dev/null || die "install these yourself, there is no apt-get here: ${missing[*]}"
  [ "$(id -u)" -eq 0 ] || die "run this once as root, or install these yourself: ${missing[*]}"
  say "installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  quietly apt-get -qq update
  without_services quietly apt-get -qq install --yes --no-install-recommends "${missing[@]}"
}

check_versions() {
  command -v cargo >/dev/null || die "cargo is missing; install Rust 1.95 or newer"
  local major
  major=$(node --version | sed -E 's/^v([0-9]+).*/\1/')
  [ "$major" -ge 20 ] || die "Node 20 or newer is needed, this is $(node --version)"
  local part
  for part in fmt clippy; do
    cargo "$part" --version >/dev/null 2>&1 || die "cargo $part is missing; add it to the Rust toolchain"
  done
}

install_node_modules() {
  # npm writes this file last, so that it is older than the lock only when something was left to do.
  if [ node_modules/.package-lock.json -nt package-lock.json ]; then
    say "Node packages are here"
    return
  fi
  say "installing the Node packages of tests/package-lock.json"
  quietly npm ci --no-audit --no-fund --loglevel=error
}

fetch_crates() {
  say "fetching the crates of Cargo.lock"
  quietly cargo fetch --locked --quiet --manifest-path ../Cargo.toml
}

install_packages
check_versions
install_node_modules
foreign/setup.sh
fetch_crates
