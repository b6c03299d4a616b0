#!/bin/sh
# Lints the public API with a pinned buf (from npm, cached by npm). Needs Node.js.
# With an argument, also refuses changes that break clients of that git reference:  proto/lint.sh main
set -eu
cd "$(dirname "$0")"
buf="npx --yes @bufbuild/buf@1.75.0"
$buf lint
$buf build -o /dev/null
if [ $# -gt 0 ]; then
  $buf breaking --against "../.git#ref=$1,subdir=proto"
fi
echo "proto: lint clean"
