#!/usr/bin/env bash
# Checks what the compiler does not: format, clang-tidy, lock annotations, public API. Changes nothing.
#   scripts/lint.sh [--since COMMIT] [format|tidy|locks|proto]...    default: all; `scripts/lint.sh fix` formats in place
#   --since COMMIT  format and tidy look only at what differs from the commit, tidy also at sources that include
#                   a header that does
set -euo pipefail
cd "$(dirname "$0")/.."

missing=()
for package in clang-format-16 clang-tidy-16 clang-16 libomp-16-dev; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo)
  "${as_root[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends \
    "${missing[@]}" >/dev/null
fi

since=
if [ "${1:-}" = --since ]; then
  since=$(git rev-parse --verify --quiet "${2:?--since wants a commit}^{commit}") || { echo "no commit: $2" >&2; exit 64; }
  shift 2
fi

# The files that are to be looked at, by patterns of git.
list_sources() {
  if [ -n "$since" ]; then
    git diff --name-only --diff-filter=d "$since" -- "$@"
    git ls-files --others --exclude-standard -- "$@"
  else
    git ls-files --cached --others --exclude-standard -- "$@"
  fi
}

list_tidy_sources() {
  list_sources 'src/*.cc'
  [ -n "$since" ] || return 0
  local header
  for header in $(list_sources 'include/*.h' 'src/*.h'); do
    case "$header" in
      include/*) header=${header#include/} ;;
      *) header=${header##*/} ;;  # private headers are included by their bare name
    esac
    grep -rlF --include='*.cc' "#include \"$header\"" src || true
  done
}

mapfile -t sources < <(list_sources '*.cc' '*.h')

check_format() {
  [ ${#sources[@]} -eq 0 ] || clang-format-16 --dry-run --Werror "${sources[@]}"
}

# Sources of the modules; tests are held to the compiler's warnings only.
check_tidy() {
  cmake --preset dev >/dev/null
  cmake --build --preset dev --target alidade_proto >/dev/null
  list_tidy_sources | sort -u | xargs -r -d '\n' -n 4 -P "$(nproc)" clang-tidy-16 -p build/dev --quiet
}

check_locks() {
  scripts/install_dependencies.sh test
  cmake --preset thread-safety >/dev/null
  cmake --build --preset thread-safety
}

check_proto() { proto/lint.sh; }

if [ "${1:-}" = fix ]; then
  [ ${#sources[@]} -eq 0 ] || clang-format-16 -i "${sources[@]}"
  exit
fi
if [ $# -eq 0 ]; then
  set -- format proto locks tidy
fi
for check in "$@"; do
  echo "lint: $check" >&2
  "check_$check"
done
