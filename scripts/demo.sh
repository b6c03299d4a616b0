#!/usr/bin/env bash
# The server at work on real embeddings, in about a minute. Usage: scripts/demo.sh <alidade binary>
# Everything it writes is in a temporary directory, which is gone at the end.
set -euo pipefail

if [ $# -ne 1 ] || [ ! -x "$1" ]; then
  echo "usage: $0 <path of the alidade binary>" >&2
  exit 64
fi
binary=$(realpath -- "$1")
root=$(realpath -- "$(dirname -- "${BASH_SOURCE[0]}")/..")
dataset=$root/bench/datasets/wordnet5k
rows=5000
kill_after=2000  # acknowledged rows

work=$(mktemp -d -t alidade-demo.XXXXXX)
server=
importer=
# The first kill of each is polite, but a demo that fails must not leave a process behind.
clean_up() {
  for pid in $importer $server; do
    kill -KILL "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  rm -rf -- "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

if [ -t 1 ]; then
  bold=$(printf '\033[1m') dim=$(printf '\033[2m') plain=$(printf '\033[0m')
else
  bold='' dim='' plain=''
fi

section() { printf '\n%s%s%s\n' "$bold" "$1" "$plain"; }
say() { printf '  %s\n' "$*"; }
fail() {
  printf '\nThe demo failed: %s\n' "$1" >&2
  if [ -s "$work/server.log" ]; then
    printf 'The last lines of the server:\n' >&2
    tail -n 5 "$work/server.log" >&2
  fi
  exit 1
}
now_ms() { echo $(($(date +%s%N) / 1000000)); }
seconds_since() { awk -v ms=$(($(now_ms) - $1)) 'BEGIN { printf "%.1f s", ms / 1000 }'; }
thousands() { sed -E ':again; s/^([0-9]+)([0-9]{3})/\1,\2/; t again' <<<"$1"; }
# Shows a command and what it prints. Paths are shortened for the eye only.
show() {
  local words="$*"
  words=${words//$dataset/wordnet5k}
  printf '  %s$ alidade %s%s\n' "$dim" "${words//$work\//}" "$plain"
  "$binary" "$@" >"$work/output" 2>"$work/errors" || fail "$(cat "$work/errors" "$work/output")"
  sed 's/^/    /' "$work/output"
}

# A server with the settings it is born with, but for the directory and the ports: any free ones,
# so that the demo disturbs nobody.
start_server() {
  local start
  start=$(now_ms)
  rm -f "$work/ports"
  # From an empty environment: settings of yours shall not change what you see here.
  env -i PATH="$PATH" "$binary" serve --data-dir "$work/data" --listen 127.0.0.1:0 --http-listen 127.0.0.1:0 \
    --port-file "$work/ports" --log-format text 2>>"$work/server.log" &
  server=$!
  for _ in $(seq 3000); do
    if [ -s "$work/ports" ]; then
      ALIDADE_SERVER=127.0.0.1:$(sed -E 's/.*"grpc": ([0-9]+).*/\1/' "$work/ports")
      export ALIDADE_SERVER
      ready=$(seconds_since "$start")
      return
    fi
    kill -0 "$server" 2>/dev/null || fail "the server ended before it was ready"
    sleep 0.01
  done
  fail "the server was not ready within 30 s"
}

stop_server() {
  local start code=0
  start=$(now_ms)
  kill -TERM "$server"
  wait "$server" || code=$?
  server=
  [ "$code" -eq 0 ] || fail "the server ended with code $code"
  stopped=$(seconds_since "$start")
}

acknowledged() { awk 'NR > 1 { rows += $2 } END { print rows + 0 }' "$work/progress" 2>/dev/null || echo 0; }

# A slow import on purpose, one row per request, and kill -9 for the server in the middle of it.
# Every acknowledged row is noted in the progress file by the importer, not by the server.
import_and_kill() {
  "$binary" import "$dataset/base.f16.npy" --collection again --create --batch 1 --writers 4 \
    --retry-seconds 0 --progress-file "$work/progress" --quiet >"$work/import.log" 2>&1 &
  importer=$!
  for _ in $(seq 6000); do
    [ "$(acknowledged)" -lt "$kill_after" ] || break
    kill -0 "$importer" 2>/dev/null || break
    sleep 0.01
  done
  kill -KILL "$server"
  wait "$server" 2>/dev/null || true
  server=
  local code=0
  wait "$importer" || code=$?
  importer=
  sure=$(acknowledged)
  if [ "$code" -eq 0 ] || [ "$sure" -eq "$rows" ]; then
    fail "the import was over before the kill: $(cat "$work/import.log")"
  fi
  [ "$sure" -ge "$kill_after" ] || fail "only $sure rows were acknowledged: $(cat "$work/import.log")"
}

printf '%sAlidade %s%s\n' "$bold" "$("$binary" --version)" "$plain"
say "$(thousands $rows) words of WordNet, each the embedding of its definition (all-MiniLM-L6-v2, 384 dimensions)"

section "1. Start"
start_server
say "ready in $ready on $ALIDADE_SERVER, default settings, empty data directory"

section "2. Import, and build the index"
show import "$dataset/base.f16.npy" --collection words --create --quiet
start=$(now_ms)
show wait-indexed words
say "searchable at once; sealed and indexed $(seconds_since "$start") after the last row"
show stats words
say "index build time: $(sed -nE 's/^builds done [0-9]+ \(([0-9.]+ s)\).*/\1/p' "$work/output")"

section "3. Ask: plain, filtered, exact"
show query-file "$dataset/queries.f16.npy" --collection words -k 3 --show word,pos,lexname \
  --rows 0,1,2,3,5,7,11,12,14,15,16,18

section "4. How good and how fast"
show recall "$dataset" --collection words

section "5. kill -9 in the middle of a second import"
import_and_kill
say "killed after $(thousands "$sure") of $(thousands $rows) rows were acknowledged; the importer says:"
sed -n '/./s/^/    /p' "$work/import.log"
start_server
say "the same data directory again: ready in $ready"
found=$("$binary" points count again)
first=$("$binary" points count words)
printf '    %-42s %6s\n' "acknowledged before the kill" "$(thousands "$sure")" \
  "found after the restart" "$(thousands "$found")" \
  "of these, written but not yet acknowledged" "$((found - sure))" \
  "still there from the first import" "$(thousands "$first")"
if [ "$found" -lt "$sure" ] || [ "$first" -ne "$rows" ]; then
  fail "acknowledged points are missing"
fi
show verify "$dataset/base.f16.npy" --collection again --progress-file "$work/progress"

section "6. Resume, stop, check"
show import "$dataset/base.f16.npy" --collection again --progress-file "$work/progress" --quiet
show verify "$dataset/base.f16.npy" --collection again
stop_server
say "SIGTERM: stopped in $stopped, exit code 0"
show check "$work/data"

section "Your turn (the second and the third in another terminal)"
shown=$(realpath --relative-to="$PWD" -- "$binary")
data=$(realpath --relative-to="$PWD" -- "$dataset")
say "$shown serve"
say "$shown import $data/base.f16.npy --collection words --create"
say "$shown search words --file $data/queries.f16.npy --row 3 -k 5 --keys word,lexname"
