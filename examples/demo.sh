#!/usr/bin/env bash
# A small shop is protected, rehearsed, wrecked, and restored in place, equal to the byte; then
# the record of all that is checked.
# usage: [SALVOR=path/of/salvor] examples/demo.sh        It leaves nothing behind.
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
salvor=${SALVOR:-$here/../build/salvor}
[[ -x $salvor ]] || {
  echo "demo: no program at $salvor" >&2
  echo "hint: build it with ./dev build, or name it with SALVOR" >&2
  exit 1
}
for tool in sqlite3 python3; do
  command -v "$tool" >/dev/null || {
    echo "demo: there is no $tool" >&2
    echo "hint: apt-get install $tool" >&2
    exit 1
  }
done

scratch=$(mktemp -d "${TMPDIR:-/tmp}/salvor-demo-XXXXXX")
trap 'rm -rf -- "$scratch"' EXIT
cd -- "$scratch"
export SALVOR_CONFIG=$scratch/salvor.toml
readonly customers=500 orders=20000 files=2000

bold='' plain=''
[[ -t 1 ]] && bold=$'\033[1m' plain=$'\033[0m'

step_number=0
# step TEXT: a heading.
step() {
  step_number=$((step_number + 1))
  printf '\n%s%d. %s%s\n' "$bold" "$step_number" "$1" "$plain"
}
# salvor ARGUMENT...: shows the command, runs it, and says how long it took.
salvor() {
  local start=$EPOCHREALTIME
  printf '$ salvor %s\n' "$*"
  "$salvor" "$@"
  awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { printf "  (%.2f s)\n", b - a }'
}

make_database() {
  sqlite3 -batch shop/shop.db >/dev/null <<SQL
PRAGMA journal_mode = WAL;
CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, email TEXT);
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER REFERENCES customers, cents INTEGER,
                     placed TEXT, note TEXT);
CREATE INDEX orders_by_customer ON orders (customer);
CREATE TABLE uploads (file TEXT PRIMARY KEY);
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $customers)
INSERT INTO customers SELECT i, 'Customer ' || i, 'c' || i || '@example.org' FROM n;
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $orders)
INSERT INTO orders SELECT i, 1 + i * 7919 % $customers, abs(random()) % 100000,
       datetime('2026-01-01', '+' || i || ' minutes'), hex(randomblob(40)) FROM n;
SQL
}

# Uploads of 100 bytes to 40 kB: half of them text, half of them noise; a few special ones.
make_uploads() {
  mkdir -p shop/media
  head -c 45000000 /dev/urandom >noise
  seq 1 400000 >words
  python3 - "$files" <<'PYTHON'
import os, sys
noise, words = open("noise", "rb").read(), open("words", "rb").read()
at = 0
for i in range(int(sys.argv[1])):
    size = 100 + i * 7919 % 40000
    folder = f"shop/media/2026/{i % 12 + 1:02}/{i % 28 + 1:02}"
    os.makedirs(folder, exist_ok=True)
    content = noise[at:at + size] if i % 2 else words[at % 1_000_000:at % 1_000_000 + size]
    with open(f"{folder}/upload-{i}.bin", "wb") as file:
        file.write(content)
    at += size
PYTHON
  rm -f noise words
  printf 'logo' >shop/media/logo.png
  ln -s 2026/01/01 shop/media/newest
  ln shop/media/logo.png shop/media/logo-copy.png
  truncate -s 50M shop/media/sparse.img
  mkdir shop/media/empty
  chmod 640 shop/media/logo.png
  touch -d '2001-02-03 04:05:06.789' shop/media/logo.png shop/media/2026
}

# manifest DIRECTORY: everything there with kind, mode, owner, size, time and target, and checksums.
manifest() {
  (
    cd -- "$1"
    find . -printf '%P|%y|%m|%U|%G|%s|%T@|%l|%n\n' | sort
    find . -type f -print0 | sort -z | xargs -0 sha256sum
  )
}
hash_of_dump() { sqlite3 -batch -readonly "$1" .dump | sha256sum; }

# same WHAT FILE FILE
same() {
  cmp -s "$2" "$3" || { echo "demo: $1 is NOT the same" >&2; diff "$2" "$3" | head >&2; exit 1; }
  echo "  $1: the same"
}

# json EXPRESSION: of the document on standard input, as `d`.
json() { python3 -c "import json, sys; d = json.load(sys.stdin); print($1)"; }
newest_run() { "$salvor" --json runs shop --limit 1 | json 'd["runs"][0]["id"]'; }
# Every upload has a row, as in an application.
register_uploads() {
  find shop/media -name 'upload-*.bin' -printf "INSERT OR IGNORE INTO uploads VALUES ('%P');\n" |
    { echo 'BEGIN;'; cat; echo 'COMMIT;'; } | sqlite3 -batch shop/shop.db
}

step "A shop: a database of $orders orders, and $files uploads"
mkdir shop
make_database
make_uploads
register_uploads
du -sh --apparent-size shop/shop.db shop/media | sed 's/^/  /'

step "Say what is to be protected, and how it comes back"
(umask 077; head -c 24 /dev/urandom | base64 >passphrase)
cat >salvor.toml <<'TOML'
state_dir = "state"

[repository]
url             = "repository"
passphrase_file = "passphrase"

[service.shop]
owner    = "Shop Engineering"
contacts = ["on call: +49 30 123456"]
rpo      = "1h"
rto      = "10m"
protect  = ["shop"]
runbook  = "runbook.md"

[service.shop.store.db]
type = "sqlite"
path = "shop/shop.db"

[service.shop.store.media]
type = "files"
path = "shop/media"

[service.shop.writes]
lock   = "touch shop/maintenance"
unlock = "rm -f shop/maintenance"
locked = "test -e shop/maintenance"

[[service.shop.check]]
name  = "orders are there"
store = "db"
sql   = "SELECT count(*) > 0 FROM orders"

[[service.shop.check]]
name  = "the logo"
store = "media"
path  = "logo.png"

[[service.shop.reference]]
name = "every upload has its file"
from = "db"
sql  = "SELECT file FROM uploads"
in   = "media"

[service.shop.watch]
duration = "2s"
every    = "1s"

[[service.shop.watch.probe]]
name = "orders can be read"
run  = "sqlite3 -readonly shop/shop.db 'SELECT count(*) FROM orders'"
TOML
cat salvor.toml
salvor config check
salvor init

step "Take a recovery point: database and files together"
salvor backup
sqlite3 -batch shop/shop.db "UPDATE orders SET note = 'sent' WHERE id % 50 = 0;
  INSERT INTO orders (customer, cents, placed, note) VALUES (7, 4200, '2026-11-01', 'new');"
printf 'a new upload' >shop/media/new.txt
echo "  the shop sells on; the next backup stores only what changed"
salvor backup shop
manifest shop/media >media.before
hash_of_dump shop/shop.db >db.before
facts=$(wc -l <media.before)

step "Rehearse: does it really come back, and how long does it take?"
salvor drill shop
salvor status

step "Accident: a bad release empties a table and deletes half of the uploads"
sqlite3 -batch shop/shop.db "DROP TABLE orders; UPDATE customers SET email = NULL;"
find shop/media/2026/0[1-6] -type f -delete
printf 'truncated' >shop/media/2026/07/07/upload-6.bin
hash_of_dump shop/shop.db >db.wrecked
manifest shop/media >media.wrecked

step "What would a restore do? Nothing is touched"
salvor restore shop --plan

step "Restore in place: locked, kept, restored beside, checked, exchanged, watched"
salvor restore shop --confirm shop
run=$(newest_run)

step "Undo the restore, to see that it can be undone: the wreck is there again, to the byte"
salvor restore --undo "$run" --confirm shop
salvor restore --close "$run" --confirm shop
manifest shop/media >media.undone
hash_of_dump shop/shop.db >db.undone
same "all facts about the wrecked files" media.wrecked media.undone
same "the dump of the wrecked database" db.wrecked db.undone

step "And restore for good"
salvor restore shop --confirm shop
salvor restore --close "$(newest_run)" --confirm shop

step "Prove that it is what was lost"
manifest shop/media >media.after
hash_of_dump shop/shop.db >db.after
same "$facts facts about files (names, modes, times, links, SHA-256)" \
  media.before media.after
same "the dump of the database" db.before db.after
[[ $(sqlite3 -batch -readonly shop/shop.db 'PRAGMA integrity_check') == ok ]]
echo "  PRAGMA integrity_check: ok"
test ! -e shop/maintenance
echo "  writes are open"

step "The record: signed, chained, to be checked by anybody with the public key"
salvor evidence list shop
salvor evidence export shop -o evidence.json
salvor evidence key >key.pem
salvor evidence verify evidence.json --key key.pem
python3 - <<'PYTHON'
import json
document = json.load(open("evidence.json"))
del document["records"][1]
json.dump(document, open("forged.json", "w"))
PYTHON
status=0
echo '$ salvor evidence verify forged.json --key key.pem'
"$salvor" evidence verify forged.json --key key.pem 2>&1 || status=$?
((status == 5)) || { echo "demo: a removed record was not found" >&2; exit 1; }
echo "  (one record was removed from the file: it is found)"
ls -l evidence.html | awk '{ print "  " $NF ": a page to read and print, " $5 " bytes" }'

step "The runbook, rewritten by each drill; and the repository, every byte of it"
sed -n '1,20p' runbook.md | sed 's/^/  /'
salvor verify --data

printf '\neverything is back, equal to the byte, and there is proof\n'
