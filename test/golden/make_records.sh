#!/usr/bin/env bash
# Makes the golden repository of runs: make_records.sh PROGRAM DIRECTORY, once. What is made is
# committed, and every later version reads its journals, claims and evidence.
set -euo pipefail
program=$(realpath "$1")
target=$(realpath -m "$2")
mkdir -p "$target"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

mkdir -p shop/media
echo "a picture" >shop/media/logo.png
sqlite3 shop/shop.db "CREATE TABLE uploads (file TEXT); INSERT INTO uploads VALUES ('logo.png')"
"$program" keys generate golden.key >/dev/null
cat >salvor.toml <<'TOML'
state_dir = "state"
[repository]
url      = "repository"
key_file = "golden.key"
[service.shop]
rpo = "1h"
rto = "5m"
[service.shop.store.db]
type   = "sqlite"
path   = "shop/shop.db"
canary = true
[service.shop.store.media]
type = "files"
path = "shop/media"
[service.shop.writes]
lock   = "touch held"
unlock = "rm -f held"
locked = "test -e held"
[service.shop.migrate]
needed = "test ! -e migrated"
run    = "touch migrated"
isolated = true
[[service.shop.rebuild]]
name = "thumbnails"
run  = "true"
isolated = true
[[service.shop.check]]
name  = "uploads are there"
store = "db"
sql   = "SELECT count(*) = 1 FROM uploads"
[[service.shop.check]]
name  = "logo"
store = "media"
path  = "logo.png"
[[service.shop.reference]]
name = "every upload has its file"
from = "db"
sql  = "SELECT file FROM uploads"
in   = "media"
[service.shop.return]
run = "true"
[service.shop.watch]
duration = "1s"
every    = "1s"
[[service.shop.watch.probe]]
name = "logo"
run  = "test -e shop/media/logo.png"
TOML
salvor() { "$program" -c salvor.toml "$@" >/dev/null 2>&1; }
newest() { "$program" -c salvor.toml --json runs | jq -r '.runs[0].id'; }
restore() {
  rm -f shop/media/logo.png
  salvor restore shop --confirm shop
}

salvor init
salvor backup
salvor backup shop --store db
restore
undone=$(newest)
salvor restore --undo "$undone" --confirm shop
restore
closed=$(newest)
salvor restore --close "$closed" --confirm shop
salvor drill shop
drilled=$(newest)
salvor verify --data
printf '%s undone\n%s closed\n%s succeeded\n' "$undone" "$closed" "$drilled" >"$target/runs"
"$program" -c salvor.toml evidence key >"$target/evidence.key"
cp -r repository golden.key "$target"
