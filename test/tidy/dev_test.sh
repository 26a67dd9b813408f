#!/usr/bin/env bash
# dev_test.sh ROOT: what ./dev promises without building anything.
set -uo pipefail
root=$1
scratch=$(mktemp -d)
trap 'rm -rf -- "$scratch"' EXIT
failed=0

# expect WHAT STATUS TEXT COMMAND...: the exit status, and a text within the output.
expect() {
  local what=$1 status=$2 text=$3 output actual
  shift 3
  output=$("$@" 2>&1 </dev/null)
  actual=$?
  if [[ $actual != "$status" || $output != *"$text"* ]]; then
    printf '%s: expected status %s and "%s", found status %s and:\n%s\n' \
      "$what" "$status" "$text" "$actual" "$output"
    failed=1
  fi
}

# refuse WHAT TEXT COMMAND...: a text that must not be within the output.
refuse() {
  local what=$1 text=$2 output
  shift 2
  output=$("$@" 2>&1 </dev/null)
  if [[ $output == *"$text"* ]]; then
    printf '%s: expected no "%s", found:\n%s\n' "$what" "$text" "$output"
    failed=1
  fi
}

# A dpkg-query that knows of no package, in front of the real one: a fresh machine.
mkdir "$scratch/bin"
printf '#!/bin/sh\nexit 1\n' >"$scratch/bin/dpkg-query"
# An apt-get and a sudo that only note how they were called.
printf '#!/bin/sh\necho "apt-get $*"; case "$*" in *install*) exit 9;; esac\n' \
  >"$scratch/bin/apt-get"
printf '#!/bin/sh\nexit 1\n' >"$scratch/bin/sudo"
chmod +x "$scratch/bin/"*

for verb in demo test build lint fmt asan tsan fuzz deep bench; do
  expect "overview" 0 "  $verb " "$root/dev" help
  expect "help of $verb" 0 "./dev $verb" "$root/dev" help "$verb"
done
expect "no verb" 0 "usage: ./dev" "$root/dev"
expect "unknown verb" 2 'no verb "frobnicate"' "$root/dev" frobnicate
expect "unknown benchmark" 2 'no benchmark "tea"' "$root/dev" bench tea
expect "unknown part" 2 'no part "tea"' "$root/dev" deep tea
expect "fuzz for no time" 2 "not a positive number" "$root/dev" fuzz zero

if ((EUID == 0)); then
  expect "a failed installation" 1 "hint: read apt's message" \
    env PATH="$scratch/bin:$PATH" "$root/dev" build
  expect "the update comes first" 1 "-q update" env PATH="$scratch/bin:$PATH" "$root/dev" build
  expect "what is installed" 1 "libsodium-dev" env PATH="$scratch/bin:$PATH" "$root/dev" build
  for verb in build demo; do
    refuse "$verb installs no test package" "libgtest-dev" \
      env PATH="$scratch/bin:$PATH" "$root/dev" "$verb"
  done
  expect "test installs its own" 1 "libgtest-dev" env PATH="$scratch/bin:$PATH" "$root/dev" test
  for option in --no-upgrade APT::Get::Upgrade-By-Source-Package=false; do
    expect "what is there is left" 1 " $option " env PATH="$scratch/bin:$PATH" "$root/dev" build
  done
  # As nobody, and from a copy that nobody can read.
  cp -- "$root/dev" "$scratch/dev"
  mkdir "$scratch/tools"
  cp -r -- "$root/tools/packages" "$scratch/tools/"
  chmod -R a+rX "$scratch"
  expect "without root" 1 "hint: as root: apt-get update && apt-get install -y cmake g++" \
    setpriv --reuid=65534 --regid=65534 --clear-groups \
    env PATH="$scratch/bin:$PATH" bash "$scratch/dev" build
else
  expect "without root" 1 "hint: as root: apt-get update && apt-get install -y cmake g++" \
    env PATH="$scratch/bin:$PATH" "$root/dev" build
fi
exit "$failed"
