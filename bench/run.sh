#!/usr/bin/env bash
# Measures everything on the WordNet set of bench/datasets and writes bench/results/wordnet.json:
# ingest, index build, recall and speed, restart, memory; then Alidade through gRPC, FAISS and
# hnswlib in process and gRPC without work in turn, durable ingest against RocksDB alone in turn, and
# searches beside a build.
#
#   bench/run.sh [--quick] [--build DIR] [--work DIR]
#     --quick   a few seconds for each figure: tries the script, gives no figures to quote
#     --build   build folder (default: build/bench)
#     --work    where databases are put for a while, on a real disk (default: the build folder)
# Takes about an hour on two cores with the data set at hand. Run nothing else meanwhile.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(dirname "$here")"
build="$root/build/bench"
work=""
results="$here/results"
dataset="${ALIDADE_DATASETS:-$HOME/.cache/alidade/datasets}/wordnet"
jobs="${ALIDADE_BUILD_JOBS:-$(nproc)}"

seconds=5        # of load, for each point of the sweep
round_seconds=6 # of load, for each point of a round
rounds=5
graph_seconds=0.5 # of load, for each turn of hnswlib_search
graph_turns=5
ingest_rounds=3
limit=0 # rows of the ingest rounds; 0: all
kernel_rounds=9
recall=0.95
efs=10,12,14,16,18,20,22,24,28,32,40,48,64,80,96,112,128,160,192,256

while (($#)); do
  case "$1" in
    --quick)
      seconds=1 round_seconds=2 rounds=3 limit=20000 kernel_rounds=3 efs=10,16,20,24,64,128
      graph_seconds=0.2 graph_turns=3
      results="$here/results/quick"
      shift ;;
    --build) build="$2"; shift 2 ;;
    --work) work="$2"; shift 2 ;;
    *) echo "usage: $0 [--quick] [--build DIR] [--work DIR]" >&2; exit 64 ;;
  esac
done
work="${work:-$build}/alidade-bench" # a folder of our own: it is removed

say() { printf '\n== %s\n' "$*"; }

server_pid=""
stop_server() {
  if [[ -n "$server_pid" ]]; then
    kill -TERM "$server_pid" 2>/dev/null || true
    wait "$server_pid" || true
    server_pid=""
  fi
}
finish() {
  stop_server
  rm -rf "$work"
}
trap finish EXIT

# Starts a server on the data of the first run and sets `address`.
start_server() {
  local ports="$work/ports.json"
  rm -f "$ports"
  "$alidade" serve --data-dir "$work/main" --listen 127.0.0.1:0 --http-listen 127.0.0.1:0 \
    --port-file "$ports" 2>"$work/server.log" &
  server_pid=$!
  for ((i = 0; i < 600; i++)); do
    if [[ -s "$ports" ]]; then
      address="127.0.0.1:$(/usr/bin/python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))["grpc"])' "$ports")"
      return
    fi
    kill -0 "$server_pid" 2>/dev/null || break
    sleep 0.1
  done
  echo "the server did not start:" >&2
  tail -n 20 "$work/server.log" >&2
  exit 1
}

mkdir -p "$results"
cut -d ' ' -f 1 /proc/loadavg >"$results/load.txt" # what others do meanwhile

say "build"
"$root/scripts/install_dependencies.sh" bench
cmake --preset bench -S "$root" -B "$build" >/dev/null
cmake --build "$build" -j "$jobs" \
  --target alidade kernels_bench crossover_bench faiss_hnsw rocksdb_ingest hnswlib_search grpc_ceiling
alidade="$build/src/server/alidade"
programs="$build/bench"

say "data set"
"$here/datasets/make_wordnet.sh"

rm -rf "$work" "$results/rounds"
mkdir -p "$work" "$results/rounds"

say "distance kernels"
"$programs/kernels_bench" --rounds "$kernel_rounds" --json "$results/kernels.json"

say "exact scan against graph"
"$programs/crossover_bench" "$dataset" --json "$results/crossover.json"

say "durable ingest through gRPC and by RocksDB alone, in turn: small batches, and large ones"
for ((round = 1; round <= ingest_rounds; round++)); do
  for form in "ingest 8 100" "bulk 4 500"; do
    read -r name writers batch <<<"$form"
    "$alidade" bench "$dataset" --spawn "$work/ingest" --writers "$writers" --batch "$batch" \
      --limit "$limit" --ingest-only --json "$results/rounds/${name}_alidade_$round.json"
    "$programs/rocksdb_ingest" "$work/rocksdb" "$dataset" --writers "$writers" --batch "$batch" \
      --limit "$limit" --json "$results/rounds/${name}_rocksdb_$round.json"
    rm -rf "$work/ingest" "$work/ingest".bench.* "$work/rocksdb"
  done
done

say "the whole: ingest, build, sweep, memory, restart"
"$alidade" bench "$dataset" --spawn "$work/main" --writers 8 --batch 100 --ef "0,$efs" \
  --clients 1,2,8 --seconds "$seconds" --json "$results/alidade.json"

say "FAISS in process"
"$programs/faiss_hnsw" "$dataset" --ef "$efs" --threads 1,2 --seconds "$seconds" \
  --json "$results/faiss.json"

say "hnswlib and Alidade's index in one process"
mkdir -p "$work/graphs"
for threads in 1 2; do
  "$programs/hnswlib_search" "$dataset" --cache "$work/graphs" --threads "$threads" \
    --recall 0.90,0.95,0.99 --sweep "$efs" --turns "$graph_turns" --seconds "$graph_seconds" \
    --json "$results/hnswlib_$threads.json"
done

say "all at the same recall, in turn: at $recall, and FAISS also at what the default settings give"
alidade_ef="$(/usr/bin/python3 "$here/summary.py" ef "$results/alidade.json" "$recall")"
faiss_ef="$(/usr/bin/python3 "$here/summary.py" ef "$results/faiss.json" "$recall")"
faiss_ef_default="$(/usr/bin/python3 "$here/summary.py" same "$results/faiss.json" "$results/alidade.json")"
start_server
for ((round = 1; round <= rounds; round++)); do
  "$alidade" bench "$dataset" --server "$address" --skip-ingest --ef "$alidade_ef,0" \
    --clients 1,2,8 --seconds "$round_seconds" --json "$results/rounds/search_alidade_$round.json"
  "$alidade" bench "$dataset" --server "$address" --skip-ingest --ef "$alidade_ef" --clients 2 \
    --queries-per-call 64 --seconds "$round_seconds" --json "$results/rounds/batch_alidade_$round.json"
  "$programs/faiss_hnsw" "$dataset" --ef "$faiss_ef,$faiss_ef_default" --threads 1,2 \
    --seconds "$round_seconds" --json "$results/rounds/search_faiss_$round.json"
  "$programs/hnswlib_search" "$dataset" --cache "$work/graphs" --threads 2 --recall "$recall" \
    --turns 1 --seconds "$round_seconds" --json "$results/rounds/search_hnswlib_$round.json"
  "$programs/grpc_ceiling" --handler sync,callback,api --in-flight 8 --rounds 1 \
    --seconds "$round_seconds" --json "$results/rounds/ceiling_$round.json"
done

say "searches while the data set is loaded and indexed once more"
"$alidade" bench "$dataset" --server "$address" --skip-ingest --during-build --ef "$alidade_ef" \
  --clients 1 --writers 8 --batch 100 --limit "$limit" --seconds "$round_seconds" \
  --json "$results/during_build.json"
stop_server

/usr/bin/python3 "$here/summary.py" write "$results"
if /usr/bin/python3 -c 'import matplotlib' 2>/dev/null; then
  title="WordNet definitions, 116,659 x 384, cosine"
  /usr/bin/python3 "$here/curves.py" "$results/alidade.json" "$results/faiss.json" \
    --output "$results/curves.svg" --output "$results/curves.png" --title "$title"
  /usr/bin/python3 "$here/curves.py" "$results/hnswlib_1.json" "$results/hnswlib_2.json" \
    "$results/faiss.json" --output "$results/curves_in_process.png" --title "$title, in process"
  echo "  curves: $results/curves.svg, curves.png, curves_in_process.png"
else
  echo "  no curves: matplotlib is missing (apt-get install python3-matplotlib)"
fi
