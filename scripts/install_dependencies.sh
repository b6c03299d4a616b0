#!/usr/bin/env bash
# Installs what is missing from Debian 12's packages. Usage: scripts/install_dependencies.sh build|test|bench|runtime
#   runtime  what the binary needs to run
#   build    what building it needs
#   test     build, and what the tests need besides
#   bench    build, and what the benchmarks compare with
set -euo pipefail

runtime=(libgrpc++1.51 libprotobuf32 librocksdb7.8 libopenblas0-pthread libgomp1 libspdlog1.10 libfmt9
         libyaml-cpp0.7 libcpp-httplib0.11 libprometheus-cpp-core1.0 libhdf5-103-1 libhwy1 libutf8proc2 libstemmer0d
         ca-certificates)
build=(build-essential cmake ninja-build ccache mold pkg-config
       libgrpc++-dev libprotobuf-dev protobuf-compiler protobuf-compiler-grpc grpc-proto librocksdb-dev libfaiss-dev
       libopenblas-dev libspdlog-dev libfmt-dev libhwy-dev libyaml-cpp-dev libcli11-dev nlohmann-json3-dev
       libcpp-httplib-dev prometheus-cpp-dev libxxhash-dev libhdf5-dev libssl-dev libutf8proc-dev libstemmer-dev)
bench=(libhnswlib-dev python3-matplotlib)
test=(libgtest-dev libgmock-dev python3 e2fsprogs)

case "${1:-}" in
  runtime) packages=("${runtime[@]}") ;;
  build) packages=("${build[@]}") ;;
  test) packages=("${build[@]}" "${test[@]}") ;;
  bench) packages=("${build[@]}" "${bench[@]}") ;;
  *) echo "usage: $0 build|test|bench|runtime" >&2; exit 64 ;;
esac

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
  exit 0
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "these packages are missing, install them as root: ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi
echo "installing: ${missing[*]}" >&2
"${as_root[@]}" apt-get update -qq
DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
