#!/usr/bin/env bash
# Installs what make_wordnet.py needs (Debian 12) and runs it with the given arguments:
#   bench/datasets/make_wordnet.sh                                    the full set, in the cache
#   bench/datasets/make_wordnet.sh --bundle bench/datasets/wordnet5k  the bundled set
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
cache="${ALIDADE_DATASETS:-$HOME/.cache/alidade/datasets}"
venv="$cache/venv"

missing=()
for package in wordnet-base python3-venv; do
  if ! dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed; then
    missing+=("$package")
  fi
done
if ((${#missing[@]})); then
  as_root=()
  if ((EUID != 0)); then
    as_root=(sudo)
  fi
  echo "installing ${missing[*]}" >&2
  "${as_root[@]}" apt-get update -qq >&2
  DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq \
    --no-install-recommends "${missing[@]}" >&2
fi

# The copy is written last, so a half-made environment is made again.
if ! cmp -s "$here/requirements.txt" "$venv/requirements.txt"; then
  echo "making the Python environment $venv" >&2
  mkdir -p "$cache"
  /usr/bin/python3 -m venv --clear "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps \
    -r "$here/requirements.txt" >&2
  cp "$here/requirements.txt" "$venv/requirements.txt"
fi

PYTHONDONTWRITEBYTECODE=1 exec "$venv/bin/python" "$here/make_wordnet.py" "$@"
