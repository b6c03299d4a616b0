#!/bin/bash
# Where the server spends the time of composed queries: medians in ms over stored points of a collection.
#
#   bench/composed_times.sh ALIDADE_BINARY SERVER COLLECTION [QUERIES]
#
# The collection needs one vector field and one text index, as `alidade import .. --payload-index words:text` makes it of
# the WordNet set. Each kind of query is asked for the same points, one kind after the other for each point; a round
# before is not counted.
set -eu
alidade=$1
server=$2
collection=$3
queries=${4:-100}

points=$("$alidade" points list "$collection" --server "$server" --limit "$queries" |
  sed -nE 's/^ *([0-9]+) .*"word":"([A-Za-z]+).*/\1 \2/p')

ask() { # kind, arguments of a search
  local kind=$1
  shift
  "$alidade" search "$collection" --server "$server" --explain --keys word "$@" | tail -n 1 |
    sed "s/^/$kind: /; s/ ms//g; s/,//g"
}

while read -r id word; do
  ask vector --id "$id"
  ask words --text "$word"
  ask fused --id "$id" --text "$word"
  ask fused-filtered --id "$id" --text "$word" --filter 'pos = "noun"'
  ask grouped --id "$id" --group-by lexname --group-size 3
  ask diverse --id "$id" --diversity 0.5
  ask boosted --id "$id" --boost '0.1:length < 40'
done <<<"$points
$points" | python3 -c 'import collections, statistics, sys
lines = [line.split() for line in sys.stdin]
times = collections.defaultdict(list)
for kind, _, filtered, _, search, _, rerank, _, fetch in lines[len(lines) // 2:]:
    times[kind].append([float(filtered), float(search), float(rerank), float(fetch)])
print(" " * 18 + str().join(n.rjust(10) for n in ("filter", "search", "rerank", "fetch")))
for kind, rows in times.items():
    print(f"{kind:18}" + str().join(f"{statistics.median(column):10.3f}" for column in zip(*rows)))'
