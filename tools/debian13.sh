#!/usr/bin/env bash
# Runs `./dev test` on a bare Debian 13, in a folder of this machine. Part of `./dev deep`.
# usage: tools/debian13.sh FOLDER        As root. FOLDER keeps the system for the next run.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
system=$1
((EUID == 0)) || {
  echo "debian13: this needs root, to make a system in $system and to enter it" >&2
  echo "hint: run it as root, or leave this part of ./dev deep out" >&2
  exit 1
}

if [[ ! -f $system/complete ]]; then
  rm -rf -- "$system"
  # From where this machine has its own packages.
  mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | grep '/debian/\?$' |
    head -n 1)
  debootstrap --variant=minbase --include=git,ca-certificates trixie "$system" "$mirror"
  touch "$system/complete"
fi

rm -rf -- "$system/salvor"
git clone -q --no-hardlinks -- "$root" "$system/salvor"
# The mounts are seen by these processes only, and go with them.
unshare --mount --pid --fork --kill-child bash -c '
  set -e
  mount --make-rprivate /
  # Tests take mounts of their own, for which the root must be one.
  mount --bind "$1" "$1"
  mount --rbind /dev "$1/dev"
  mount --rbind /sys "$1/sys"
  mount -t proc proc "$1/proc"
  cp /etc/resolv.conf "$1/etc/resolv.conf"
  cd "$1/salvor"
  exec chroot "$1" /bin/bash -c "cd /salvor && ./dev test"
' debian13 "$system" </dev/null
