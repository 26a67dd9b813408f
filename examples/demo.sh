#!/usr/bin/env bash
# A small shop is backed up, destroyed, and brought back, equal to the byte.
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

step_number=0
# step TEXT: a heading.
step() {
  step_number=$((step_number + 1))
  printf '\n\033[1m%d. %s\033[0m\n' "$step_number" "$1"
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

step "A shop: a database of $orders orders, and $files uploads"
mkdir shop
make_database
make_uploads
du -sh --apparent-size shop/shop.db shop/media | sed 's/^/  /'

step "Say what is to be protected, and where to"
(umask 077; head -c 24 /dev/urandom | base64 >passphrase)
cat >salvor.toml <<'TOML'
state_dir = "state"

[repository]
url             = "repository"
passphrase_file = "passphrase"

[service.shop]
rpo     = "1h"
protect = ["shop"]

[service.shop.store.db]
type = "sqlite"
path = "shop/shop.db"

[service.shop.store.media]
type = "files"
path = "shop/media"
TOML
cat salvor.toml
salvor config check
salvor init

step "Take a recovery point: database and files together"
salvor backup

step "Business goes on; the next recovery point stores only what changed"
sqlite3 -batch shop/shop.db "UPDATE orders SET note = 'sent' WHERE id % 50 = 0;
  INSERT INTO orders (customer, cents, placed, note) VALUES (7, 4200, '2026-11-01', 'new');"
printf 'a new upload' >shop/media/new.txt
rm shop/media/2026/01/01/upload-0.bin
salvor backup shop
salvor points
salvor status

manifest shop/media >media.before
hash_of_dump shop/shop.db >db.before
facts=$(wc -l <media.before)

step "Disaster: both the database and the uploads are destroyed"
rm -rf shop
ls -d shop 2>&1 | sed 's/^/  /' || true

step "Check that the backup is sound, every byte of it"
salvor verify --data

step "Restore"
salvor restore shop --into restored
mkdir shop
mv restored/media shop/media
mv restored/db/shop.db shop/shop.db

step "Prove that it is what was lost"
manifest shop/media >media.after
hash_of_dump shop/shop.db >db.after
same "$facts facts about files (names, modes, times, links, SHA-256)" \
  media.before media.after
same "the dump of the database" db.before db.after
[[ $(sqlite3 -batch -readonly shop/shop.db 'PRAGMA integrity_check') == ok ]]
echo "  PRAGMA integrity_check: ok"

step "The state before the last change is still there, too"
first=$("$salvor" --json points | sed -n 's/^ *"id": "\([0-9a-f]*\)",*$/\1/p' | head -n 1)
salvor diff "$first" latest
salvor restore shop --into earlier --at "$first" --only media
test -e earlier/media/2026/01/01/upload-0.bin
test ! -e earlier/media/new.txt

printf '\neverything is back, equal to the byte\n'
