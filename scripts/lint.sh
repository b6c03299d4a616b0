#!/usr/bin/env bash
# Checks what the compiler does not: format, clang-tidy, lock annotations, public API. Changes nothing.
#   scripts/lint.sh [format|tidy|locks|proto]...    default: all; `scripts/lint.sh fix` formats in place
set -euo pipefail
cd "$(dirname "$0")/.."

tools=(clang-format-16 clang-tidy-16 clang-16)
missing=()
for tool in "${tools[@]}"; do
  command -v "$tool" >/dev/null || missing+=("$tool")
done
if [ ${#missing[@]} -gt 0 ]; then
  as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo)
  "${as_root[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends \
    "${missing[@]}" libomp-16-dev >/dev/null
fi

mapfile -t sources < <(git ls-files --cached --others --exclude-standard -- '*.cc' '*.h')

check_format() { clang-format-16 --dry-run --Werror "${sources[@]}"; }

# Sources of the modules; tests are held to the compiler's warnings only.
check_tidy() {
  cmake --preset dev >/dev/null
  cmake --build --preset dev --target alidade_proto >/dev/null
  mapfile -t own < <(git ls-files --cached --others --exclude-standard -- 'src/*.cc')
  printf '%s\0' "${own[@]}" | xargs -0 -n 4 -P "$(nproc)" clang-tidy-16 -p build/dev --quiet
}

check_locks() {
  scripts/install_dependencies.sh test
  cmake --preset thread-safety >/dev/null
  cmake --build --preset thread-safety
}

check_proto() { proto/lint.sh; }

if [ "${1:-}" = fix ]; then
  clang-format-16 -i "${sources[@]}"
  exit
fi
if [ $# -eq 0 ]; then
  set -- format proto locks tidy
fi
for check in "$@"; do
  echo "lint: $check" >&2
  "check_$check"
done
