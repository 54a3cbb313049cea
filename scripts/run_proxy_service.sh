#!/bin/sh
# Runs the service, or a command of claude-proxy, as it was installed: with the variables of /etc/claude-proxy.env, which
# win over those around it, and as the user who owns the data directory. Only root may read that file, so that who is
# root comes here first.
set -eu

ENV_FILE=${ENV_FILE:-/etc/claude-proxy.env}
# `cd` keeps the way it went: behind the link `current` is the next release after an upgrade.
RELEASE=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
case $RELEASE in
  */releases/*) INSTALL_DIR=${RELEASE%/releases/*} ;;
  */current) INSTALL_DIR=${RELEASE%/current} ;;
  *) INSTALL_DIR=$RELEASE ;;
esac
export INSTALL_DIR ENV_FILE
export CLAUDE_PROXY_DATA_DIR="${CLAUDE_PROXY_DATA_DIR:-$INSTALL_DIR/data}"

# Reads KEY=value lines as systemd's EnvironmentFile does. A shell's `.` would run what stands in them, and stumble over
# blanks and & in values that nobody quoted.
load() {
  while IFS= read -r line || [ -n "$line" ]; do
    line=$(trim "$line")
    case $line in
      '' | '#'*) continue ;;
      'export '*) line=$(trim "${line#export }") ;;
    esac
    name=${line%%=*}
    case $name in
      "$line" | '' | [0-9]* | *[!A-Za-z0-9_]*) continue ;;
    esac
    export "$name=$(value "${line#*=}")"
  done
}

trim() {
  text=$1
  text=${text#"${text%%[![:space:]]*}"}
  printf '%s' "${text%"${text##*[![:space:]]}"}"
}

# Quotes around a whole value go; behind a blank, # begins a comment.
value() {
  quote=$(printf '%.1s' "$1")
  case $1 in
    \"*\"* | \'*\'*)
      rest=${1#?}
      case $(trim "${rest#*"$quote"}") in
        '' | '#'*) printf '%s' "${rest%%"$quote"*}" && return ;;
      esac
      ;;
  esac
  trim "${1%%[[:space:]]#*}"
}

if [ -r "$ENV_FILE" ]; then load <"$ENV_FILE"; fi

if [ -x "$RELEASE/runtime/bin/node" ]; then
  NODE=$RELEASE/runtime/bin/node
elif [ -x "$RELEASE/node_modules/.bin/node" ]; then
  NODE=$RELEASE/node_modules/.bin/node
else
  NODE=node
fi
set -- "$NODE" --max-semi-space-size=8 "$RELEASE/packages/server/src/main.js" "$@"

# What changes the installation stays root.
case ${4:-} in
  service | upgrade | rollback) exec "$@" ;;
esac
if [ "$(id -u)" != 0 ] || [ ! -d "$CLAUDE_PROXY_DATA_DIR" ]; then exec "$@"; fi

owner=$(stat -c %U "$CLAUDE_PROXY_DATA_DIR" 2>/dev/null || stat -f %Su "$CLAUDE_PROXY_DATA_DIR")
case $owner in
  root | UNKNOWN | '' | *[!A-Za-z0-9_.-]*) exec "$@" ;;
esac
eval "HOME=~$owner"
export HOME USER="$owner" LOGNAME="$owner"
if [ "$(uname -s)" = Darwin ]; then exec sudo -n -E -H -u "$owner" -- "$@"; fi
exec setpriv --reuid "$owner" --regid "$(id -g "$owner")" --init-groups -- "$@"
