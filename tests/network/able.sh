#!/usr/bin/env bash
# Usage: able.sh [COMMAND…]   Looks whether this machine can make what the network tests need, a network namespace with a
# slow link into it and a firewall, and then runs the command. Where it cannot, it says why and ends with 77, which tests/stage.sh takes
# for skipped.
set -euo pipefail

name=meetable$$
remove() {
  ip link del "${name:0:13}o" 2>/dev/null || true
  ip netns del "$name" 2>/dev/null || true
}

# Each of these is refused by some containers.
try() {
  ip netns add "$name" &&
    ip link add "${name:0:13}o" type veth peer name "${name:0:13}i" netns "$name" &&
    tc qdisc add dev "${name:0:13}o" root tbf rate 500kbit burst 6kb latency 300ms &&
    ip netns exec "$name" nft 'add table ip meet; add chain ip meet out { type nat hook postrouting priority 100; }'
}

trap remove EXIT
if ! said=$(try 2>&1); then
  printf 'network tests: SKIPPED, NOT RUN. They need root, network namespaces, veth, tbf and nftables: %s\n' "$said"
  exit 77
fi
remove
trap - EXIT
if [ "$#" -gt 0 ]; then exec "$@"; fi
