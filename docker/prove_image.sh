#!/usr/bin/env bash
# Performs the steps of docker/Dockerfile in a plain Debian root and runs the result the way a
# container engine would, for machines that have no engine.
#
# Usage: docker/prove_image.sh [--binary PATH] [--base FILE | --machine] [--build-arg NAME=VALUE]...
#   --binary PATH  skip the build stage and take this instead: an install prefix (with bin/alidade),
#                  a build directory, or the binary; it must be built on the Debian of the Dockerfile
#   --base FILE    keep Debian's base system in this tar file, and use it if it is there
#   --machine      take for the base what is installed on this machine, under an overlay that keeps
#                  what the steps write: seconds and no download. Needs --binary; the build stage is
#                  then performed up to the configuration
#   --build-arg NAME=VALUE  as the engine takes it; REVISION is what git says unless it is given
# Exit codes: 0 proved, 1 something is wrong, 64 bad arguments, 77 this machine cannot do it.
#
# Needs root, and without --machine debootstrap and Debian's archive as the machine's own apt sources
# name it. All mounts are made in mount namespaces that end with their process; the machine's own are
# not touched.
set -euo pipefail

here=$(realpath -- "$(dirname -- "${BASH_SOURCE[0]}")")
context=$(dirname -- "$here")
dockerfile=$here/Dockerfile
image_path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

arguments=("$@")
binary='' base_file='' machine=false
declare -A build_arguments
build_arguments[REVISION]=$(git -C "$context" rev-parse --short HEAD 2>/dev/null || true)
while [ $# -gt 0 ]; do
  case "$1" in
    --binary) binary=${2:?--binary wants a path} && shift 2 ;;
    --base) base_file=${2:?--base wants a file} && shift 2 ;;
    --machine) machine=true && shift ;;
    --build-arg)
      [[ "${2-}" == [A-Z]*=* ]] || { echo "--build-arg wants NAME=VALUE" >&2 && exit 64; }
      build_arguments[${2%%=*}]=${2#*=} && shift 2
      ;;
    *) echo "usage: $0 [--binary PATH] [--base FILE | --machine] [--build-arg NAME=VALUE]..." >&2 && exit 64 ;;
  esac
done

if $machine && { [ -z "$binary" ] || [ -n "$base_file" ]; }; then
  echo "--machine goes with --binary and without --base" >&2
  exit 64
fi

section() { printf '\n== %s\n' "$*"; }
say() { printf '   %s\n' "$*"; }
die() { printf 'WRONG: %s\n' "$*" >&2 && exit 1; }
skip() { printf 'skipped: %s\n' "$*" && exit 77; }
indent() { sed 's/^/   /'; }

[ "$(id -u)" -eq 0 ] || skip "only root can make a Debian root and mount in it"
tools=(chroot unshare nsenter setpriv ip)
$machine || tools+=(debootstrap apt-get apt-config)
for tool in "${tools[@]}"; do
  command -v "$tool" >/dev/null || skip "there is no $tool"
done
unshare --mount --pid --net --ipc --uts --fork true 2>/dev/null || skip "namespaces are not allowed here"
# The overlays of all stages live in one mount namespace, which ends with the script.
if $machine && [ -z "${ALIDADE_PROOF_NAMESPACE-}" ]; then
  ALIDADE_PROOF_NAMESPACE=own exec unshare --mount "$0" "${arguments[@]}"
fi

work=$(mktemp -d -t alidade-image.XXXXXX)
container=  # the process id of unshare, whose only child is the container's first process
clean_up() {
  if [ -n "$container" ]; then
    # The child itself: a change of user takes away its wish to end with its parent. Being the first of
    # its namespace it takes all others of the container with it.
    xargs -r kill -KILL <"/proc/$container/task/$container/children" 2>/dev/null || true
    kill -KILL "$container" 2>/dev/null || true
    wait "$container" 2>/dev/null || true
  fi
  if $machine; then
    awk -v under="$work/" 'index($2, under) == 1 { print $2 }' /proc/self/mounts | tac | xargs -r umount --lazy || true
  fi
  rm -rf --one-file-system -- "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# ---- The Dockerfile ----

# One instruction a line, comments gone, continued lines joined.
instructions() {
  sed -e '/^[[:space:]]*#/d' -e '/^[[:space:]]*$/d' "$dockerfile" | sed -e ':join' -e '/\\$/ { N; s/\\\n[[:space:]]*/ /; b join }'
}

# The words of a JSON list of plain strings, one a line.
json_words() {
  [[ "$1" =~ ^\[\ *\"[^\"\\]*\"(\ *,\ *\"[^\"\\]*\")*\ *\]$ ]] || die "not a JSON list of plain strings: $1"
  grep -o '"[^"]*"' <<<"$1" | tr -d '"'
}

# ${NAME} as Docker sees it: only arguments of this stage count, or those above the first FROM.
declare -A global_arguments stage_arguments
expand() {
  local text=$1 scope=$2 name value token
  while [[ "$text" =~ \$\{([A-Z_]+)\} ]]; do
    name=${BASH_REMATCH[1]}
    if [ "$scope" = global ]; then
      value=${global_arguments[$name]-}
    else
      value=${stage_arguments[$name]-}
    fi
    [ -n "$value" ] || die "\${$name} has no value there: $text"
    token="\${$name}"
    text=${text//"$token"/$value}
  done
  printf '%s' "$text"
}

# $layer holds what $root has beyond the base: its top layer, or without layers $root itself.
stage='' root='' layer='' workdir=/ user='' volume='' stop_signal=''
labels='' ports=() entrypoint=() health=()
skipped=false  # whether the current stage is skipped

declare_argument() {
  local name=${1%%=*} value=''
  [[ "$1" == *=* ]] && value=${1#*=}
  value=${build_arguments[$name]:-$value}
  if [ -z "$stage" ]; then
    global_arguments[$name]=$value
  else
    stage_arguments[$name]=${value:-${global_arguments[$name]-}}
  fi
}

begin_stage() {
  local image as name
  read -r image as name <<<"$1"
  image=$(expand "$image" global)
  [ "$as" = AS ] || die "a stage without a name: FROM $1"
  [[ "$image" =~ ^debian:(bookworm)-([0-9]{8}-)?slim$ ]] || die "$image: only Debian bookworm's slim image is known here"
  stage=$name root=$work/$name layer=$root workdir=/ user='' stage_arguments=()
  skipped=false
  section "stage $name, from $image"
  if $machine; then
    overlay_machine "${BASH_REMATCH[1]}"
    return
  fi
  if [ -n "$binary" ] && [ "$name" = build ]; then
    skipped=true
    say "skipped: its product is taken from $binary"
    return
  fi
  make_base "${BASH_REMATCH[1]}"
  cp -a "$work/base" "$root"
}

# COPY [--from=stage] source... destination
copy() {
  local from=$context words source target
  read -r -a words <<<"$1"
  if [[ "${words[0]}" == --from=* ]]; then
    from=$work/${words[0]#--from=}
    words=("${words[@]:1}")
  fi
  [[ "$1" != *" --"* ]] || die "COPY has options that are not known here: $1"
  target=${words[-1]}
  [[ "$target" == /* ]] || target=$workdir/$target
  local sources=("${words[@]:0:${#words[@]}-1}")
  for source in "${sources[@]}"; do
    if [ "$from" = "$context" ]; then
      reaches_engine "$source" || die ".dockerignore keeps $source from the engine"
    elif [ -n "$binary" ] && [ "$from" = "$work/build" ]; then
      mkdir -p "$from/$source" && cp -a "$work/product/." "$from/$source"
    fi
    if [ -d "$from/$source" ]; then
      mkdir -p "$root$target"
      cp -a --no-preserve=ownership "$from/$source/." "$root$target"
    elif [ ${#sources[@]} -gt 1 ] || [[ "$target" == */ ]]; then
      mkdir -p "$root$target"
      cp -a --no-preserve=ownership "$from/$source" "$root$target"
    else
      mkdir -p "$root$(dirname "$target")"
      cp -a --no-preserve=ownership "$from/$source" "$root$target"
    fi
  done
  [ "$from" != "$context" ] || find "$root$target" -depth -name __pycache__ -exec rm -r {} +
}

# .dockerignore refuses everything and then names what may pass.
reaches_engine() {
  local allowed
  [ "$(grep -v '^#' "$context/.dockerignore" | head -n 1)" = '*' ] || die ".dockerignore does not begin with *"
  while read -r allowed; do
    [[ "$1" == "$allowed" || "$1" == "$allowed"/* ]] && return 0
  done < <(sed -n 's/^!//p' "$context/.dockerignore")
  return 1
}

# As root, with the machine's network and name service, and nothing of its environment.
run_step() {
  [ -z "$user" ] || die "RUN after USER is not known here: $1"
  if [ -n "$binary" ] && [ "$stage" = build ] && [[ "$1" =~ ^cmake\ --(build|install)\  ]]; then
    say "      skipped: the product is taken from $binary"
    return
  fi
  local start=$SECONDS name environment=()
  for name in "${!stage_arguments[@]}"; do
    environment+=("$name=${stage_arguments[$name]}")
  done
  # shellcheck disable=SC2016 # expanded inside
  unshare --mount --pid --ipc --uts --fork --kill-child bash -c '
    set -euo pipefail
    root=$1 workdir=$2 command=$3 && shift 3
    mkdir -p "$root$workdir"
    mount -t proc proc "$root/proc"
    mount -t tmpfs -o size=64k,mode=755,noexec,nosuid tmpfs "$root/dev"
    for device in null zero random urandom; do touch "$root/dev/$device" && mount --bind "/dev/$device" "$root/dev/$device"; done
    for file in resolv.conf hosts; do
      if [ -e "$root/etc/$file" ] && [ -e "/etc/$file" ]; then mount --bind "/etc/$file" "$root/etc/$file"; fi
    done
    exec chroot "$root" env -i --chdir="$workdir" HOME=/root "$@" sh -c "$command"
  ' step "$root" "$workdir" "$1" "PATH=$image_path" "${environment[@]}" >"$work/step.log" 2>&1 </dev/null ||
    { tail -n 30 "$work/step.log" >&2 && die "this step failed: $1"; }
  say "      done in $((SECONDS - start)) s"
}

healthcheck() {
  local text=$1
  while [[ "$text" =~ ^--(interval|timeout|start-period|retries)=[0-9]+s?\ +(.*)$ ]]; do
    text=${BASH_REMATCH[2]}
  done
  [[ "$text" == CMD\ * ]] || die "HEALTHCHECK in a form that is not known here: $1"
  mapfile -t health < <(json_words "${text#CMD }")
}

perform() {
  local word=$1 rest=$2
  if $skipped && [ "$word" != FROM ]; then
    return
  fi
  [ "$word" = FROM ] || say "$word $rest"
  case "$word" in
    FROM) begin_stage "$rest" ;;
    ARG) declare_argument "$rest" ;;
    LABEL) labels=$(expand "$rest" stage) ;;
    WORKDIR) workdir=$rest ;;
    COPY) copy "$rest" ;;
    RUN) run_step "$rest" ;;
    USER) user=$rest ;;
    VOLUME) volume=$(json_words "$rest") ;;
    EXPOSE) read -r -a ports <<<"$rest" ;;
    STOPSIGNAL) stop_signal=$rest ;;
    HEALTHCHECK) healthcheck "$rest" ;;
    ENTRYPOINT) mapfile -t entrypoint < <(json_words "$rest") ;;
    *) die "the instruction $word is not known here" ;;
  esac
}

# ---- Debian's base system, once for all stages ----

make_base() {
  local suite=$1 start=$SECONDS mirror
  [ ! -d "$work/base" ] || return 0
  mkdir "$work/base"
  if [ -n "$base_file" ] && [ -e "$base_file" ]; then
    tar -C "$work/base" -xpf "$base_file"
    say "      base system from $base_file"
    return
  fi
  # shellcheck disable=SC2016 # apt's own variables
  mirror=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
    awk -v suite="$suite" '$2 == suite && $3 == "main" { print $1; exit }')
  [ -n "$mirror" ] || skip "apt's sources on this machine do not have $suite"
  debootstrap --variant=minbase "$suite" "$work/base" "$mirror" >"$work/debootstrap.log" 2>&1 ||
    { tail -n 5 "$work/debootstrap.log" && skip "debootstrap could not make the base system"; }
  # The machine's way to the archive: Debian's own sources, proxies, whether dates are checked.
  # shellcheck disable=SC2016 # apt's own variables
  apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 'Origin: Debian' |
    awk -v suite="$suite" '$3 ~ "^" suite "(-updates|-security)?$" && $4 == "main"' >"$work/base/etc/apt/sources.list"
  apt-config dump --format '%f "%v";%n' Acquire::http Acquire::https Acquire::Check-Date \
    Acquire::Check-Valid-Until >"$work/base/etc/apt/apt.conf.d/90machine"
  rm -rf "$work"/base/var/cache/apt/* "$work"/base/var/lib/apt/lists/* "$work"/base/var/log/*
  say "      base system made by debootstrap in $((SECONDS - start)) s"
  [ -z "$base_file" ] || tar -C "$work/base" -cf "$base_file" .
}

# The machine's own system as the base: what the steps write goes to $layer, in memory.
overlay_machine() {
  local suite=$1
  [ "$(. /etc/os-release && echo "${VERSION_CODENAME-}")" = "$suite" ] || skip "this machine is not Debian $suite"
  [ ! -e /var/lib/alidade ] || skip "this machine has a /var/lib/alidade of its own"
  ! getent passwd alidade 10001 >/dev/null || skip "this machine has a user alidade or 10001 of its own"
  if ! mountpoint -q "$work/layers"; then
    mkdir "$work/layers"
    mount -t tmpfs -o mode=700 tmpfs "$work/layers"
  fi
  layer=$work/layers/$stage/written
  mkdir -p "$layer" "$work/layers/$stage/scratch" "$root"
  mount -t overlay -o "lowerdir=/,upperdir=$layer,workdir=$work/layers/$stage/scratch" overlay "$root" 2>/dev/null ||
    skip "the kernel allows no overlay here"
  [ -x "$root/bin/sh" ] || skip "this machine's system lies on several file systems"
}

# The --binary of the command line as an install prefix, in $work/product.
take_product() {
  local path=$binary
  if [ -e "$binary/CMakeCache.txt" ]; then
    cmake --install "$binary" --prefix "$work/product" --strip >/dev/null
  elif [ -x "$binary/bin/alidade" ]; then
    cp -a "$binary" "$work/product"
  elif [ -f "$binary" ] && [ -x "$binary" ]; then
    install -D --strip "$path" "$work/product/bin/alidade"
  else
    echo "--binary $binary is no install prefix, no build directory and no binary" >&2
    exit 64
  fi
}

# ---- What the image holds ----

files_of() { (cd "$1" && find . -xdev -not -type d -printf '%P\t%s\t%T@\n' | LC_ALL=C sort); }

# Our own directories hold the binary and its configuration, and nothing that a step forgot.
check_files() {
  (cd "$layer" && find etc/alidade opt root src srv tmp usr/local "${volume#/}" -xdev -type f 2>/dev/null || true) |
    LC_ALL=C sort >"$work/own"
  if $machine; then
    indent <"$work/own"
  else
    # Debian's own: the files of a new home directory.
    LC_ALL=C comm -23 "$work/own" <(cd "$work/base" && find root -type f | LC_ALL=C sort) >"$work/own.new"
    mv "$work/own.new" "$work/own"
  fi
  printf '%s\n' etc/alidade/alidade.yaml usr/local/bin/alidade | diff - "$work/own" ||
    die "the image's own files are not those that are meant (>: too many, <: missing)"
  [ -x "$layer/usr/local/bin/${entrypoint[0]}" ] || die "the entry point is not executable"
}

# Files of the steps that no Debian package brought. What packages' scripts made is summed up.
list_files() {
  cat "$root"/var/lib/dpkg/info/*.list | sed -E 's,^/(bin|sbin|lib|lib32|lib64|libx32)/,/usr/\1/,; s,^/,,' |
    LC_ALL=C sort -u >"$work/packaged"
  LC_ALL=C comm -13 <(files_of "$work/base") <(files_of "$root") | LC_ALL=C sort -t "$(printf '\t')" -k 1,1 |
    LC_ALL=C join -t "$(printf '\t')" -v 1 - "$work/packaged" >"$work/added"
  local generated='^(var/lib/(dpkg|apt|pam|systemd)/|var/cache/|etc/(ssl/certs/|ca-certificates\.conf|ld\.so\.cache|alternatives/)|usr/share/ca-certificates/|usr/lib/x86_64-linux-gnu/(lib(blas|lapack)\.so\.3|gconv/gconv-modules\.cache))'
  say "      bytes  file"
  grep -vE "$generated" "$work/added" | awk -F '\t' '{ printf "   %11d  /%s\n", $2, $1 }'
  grep -E "$generated" "$work/added" | awk -F '\t' '
    { files += 1; bytes += $2 }
    END { printf "   %11d  in %d files that the scripts of packages made (dpkg, certificates, alternatives, caches)\n", bytes, files }'
  say "$(dpkg-query --admindir="$work/base/var/lib/dpkg" -W | wc -l) packages in the base, $(dpkg-query --admindir="$root/var/lib/dpkg" -W | wc -l) in the image"
  say "$(du -s -BM "$work/base" | cut -f 1) base (minbase; Debian's slim image leaves out manuals and translations), $(du -s -BM "$root" | cut -f 1) image"
}

list_libraries() {
  chroot "$root" ldd "/usr/local/bin/${entrypoint[0]}" >"$work/libraries" || die "ldd fails"
  ! grep 'not found' "$work/libraries" || die "libraries are missing"
  say "$(wc -l <"$work/libraries") libraries, all found:"
  awk '{ sub(/.*\//, "", $1); print $1 }' "$work/libraries" | xargs | fold -s -w 110 | indent
}

# The revision reaches the binary only through the build argument: .git is not sent to the engine.
check_revision() {
  local told revision=${global_arguments[REVISION]} configured=$work/build/src/build/release/src/server/version.h
  grep -qF "org.opencontainers.image.revision=\"$revision\"" <<<"$labels" || die "no label tells the revision $revision"
  told=$(chroot "$root" "/usr/local/bin/${entrypoint[0]}" --version)
  say "${entrypoint[0]} --version: $told${binary:+ (as it was built)}"
  if [ -z "$binary" ]; then
    [[ "$told" == *"($revision)" ]] || die "the binary does not tell the revision $revision"
  elif $machine; then
    grep -qF "\"$revision\"" "$configured" || die "the build stage does not configure the revision $revision"
    say "the build stage configures $revision, the label tells it"
  fi
}

# ---- The container ----

as_user=()
prepare_user() {
  [[ "$user" =~ ^[1-9][0-9]*:[1-9][0-9]*$ ]] || die "USER must be two numbers that are not root's: $user"
  as_user=(setpriv --reuid="${user%:*}" --regid="${user#*:}" --clear-groups --no-new-privs --inh-caps=-all
           --bounding-set=-all env -i --chdir="$workdir" "PATH=$image_path")
}

# First process of new namespaces; read-only root, the volume, a /tmp, no network but loopback.
start_container() {
  # shellcheck disable=SC2016 # expanded inside
  unshare --mount --pid --net --ipc --uts --fork --kill-child bash -c '
    set -euo pipefail
    root=$1 volume=$2 data=$3 && shift 3
    mount --bind "$root" "$root"
    mount --bind "$data" "$root$volume"
    mount -t tmpfs -o size=64m,mode=1777,noexec,nosuid,nodev tmpfs "$root/tmp"
    mount -t proc -o noexec,nosuid,nodev proc "$root/proc"
    mount -t tmpfs -o size=64k,mode=755,noexec,nosuid tmpfs "$root/dev"
    for device in null zero random urandom; do touch "$root/dev/$device" && mount --bind "/dev/$device" "$root/dev/$device"; done
    mount -o remount,bind,ro "$root"
    ip link set lo up
    exec chroot "$root" "$@"
  ' container "$root" "$volume" "$work/volume" "${as_user[@]}" "${entrypoint[@]}" >"$work/container.log" 2>&1 </dev/null &
  container=$!
  local start=$SECONDS
  until first=$(tr -d ' ' <"/proc/$container/task/$container/children" 2>/dev/null) && [ -n "$first" ] &&
    [ "$(tr '\0' ' ' <"/proc/$first/cmdline" 2>/dev/null)" = "${entrypoint[*]} " ] && in_container "${health[@]}" >/dev/null 2>&1; do
    kill -0 "$container" 2>/dev/null || { indent <"$work/container.log" >&2 && die "the entry point ended"; }
    [ $((SECONDS - start)) -lt 60 ] || { indent <"$work/container.log" >&2 && die "not healthy within the start period"; }
    sleep 0.1
  done
}

# What `docker exec` does.
in_namespaces() { nsenter --target "$first" --mount --pid --net --ipc --uts --root "$@"; }
in_container() { in_namespaces "${as_user[@]}" "$@"; }

stop_container() {
  local start code=0
  start=$(date +%s%N)
  kill -s "${stop_signal#SIG}" "$first"
  for _ in $(seq $((grace_seconds * 20))); do
    kill -0 "$container" 2>/dev/null || break
    sleep 0.05
  done
  ! kill -0 "$container" 2>/dev/null || die "still running after the grace of $grace_seconds s"
  wait "$container" || code=$?
  container=
  [ "$code" -eq 0 ] || { tail -n 5 "$work/container.log" >&2 && die "exit code $code after $stop_signal"; }
  say "$stop_signal: exit code 0 after $((($(date +%s%N) - start) / 1000000)) ms (the engine would wait $grace_seconds s)"
}

# What the compose file promises to wait must be longer than what the server may take.
check_grace() {
  local server_ms
  grace_seconds=$(sed -nE 's/^ *stop_grace_period: ([0-9]+)s$/\1/p' "$here/compose.yaml")
  server_ms=$(awk '$1 == "server.shutdown_grace_ms" { print $2 }' "$work/config")
  [ $((grace_seconds * 1000)) -gt "$server_ms" ] || die "stop_grace_period $grace_seconds s is not above $server_ms ms"
}

use_container() {
  printf '%s\n' '{"id": 1, "vector": [1, 0, 0], "payload": {"name": "east"}}' \
    '{"id": 2, "vector": [0, 1, 0], "payload": {"name": "north"}}' \
    '{"id": 3, "vector": [0, 0, 1], "payload": {"name": "up"}}' | in_container sh -c 'cat >/tmp/points.jsonl'
  in_container alidade import /tmp/points.jsonl --collection proof --create --quiet | indent
  in_container alidade search proof --vector '[0.1, 0.9, 0.2]' -k 1 | tee "$work/hits" | indent
  grep -q '"north"' "$work/hits" || die "the search did not find the point"
  local port
  for port in "${ports[@]}"; do
    nsenter --target "$first" --net timeout 5 bash -c "exec 3<>/dev/tcp/127.0.0.1/$port" || die "nobody listens on the exposed port $port"
  done
  say "exposed ports that accept connections: ${ports[*]}"
}

check_confinement() {
  grep -E '^(NSpid|Uid|Gid|CapEff|CapBnd|NoNewPrivs)' "/proc/$first/status" | xargs -L 1 | indent
  in_namespaces touch /root-may-not 2>"$work/refused" && die "the root file system can be written"
  grep -q 'Read-only file system' "$work/refused" || die "writing failed for another reason: $(cat "$work/refused")"
  say "root file system: $(sed 's/.*: //' "$work/refused"), even for root"
}

[ -z "$binary" ] || take_product
while read -r -u 3 word rest; do
  perform "$word" "$rest"
done 3< <(instructions)
for needed in user volume stop_signal; do
  [ -n "${!needed}" ] || die "the Dockerfile sets no $needed"
done
[ ${#entrypoint[@]} -gt 0 ] || die "the Dockerfile has no ENTRYPOINT"
[ ${#health[@]} -gt 0 ] || die "the Dockerfile has no HEALTHCHECK"

section "files that are not Debian's"
$machine || list_files
check_files
section "dynamic libraries of ${entrypoint[0]}"
list_libraries
section "version"
check_revision
section "configuration of the entry point: ${entrypoint[*]}"
prepare_user
chroot "$root" "${as_user[@]}" "${entrypoint[@]}" --print-config >"$work/config"
indent <"$work/config"
check_grace
section "labels"
grep -oE '[a-z.]+="[^"]*"' <<<"$labels" | indent

section "running as $user: read-only root, volume $volume, tmpfs /tmp, no capabilities, own namespaces"
cp -a "$root$volume" "$work/volume"  # as an engine fills a new named volume
files_of "$layer" >"$work/before"
start_container
say "health check (${health[*]}): $(in_container "${health[@]}")"
check_confinement
use_container
stop_container
files_of "$layer" | diff "$work/before" - || die "files outside the volume changed"
say "nothing outside $volume and /tmp was written; the volume has $(find "$work/volume" -type f | wc -l) files"

section "a new container on the same volume"
start_container
[ "$(in_container alidade points count proof)" = 3 ] || die "the points are gone"
say "3 points are there"
stop_container

section "proved${binary:+, but for compiling}"
say "not proved here: the build by a real engine, its layers, the compose file's limits"
