#!/bin/sh
# Installs claude-proxy as a service, or puts an installation in order and up to date:
#
#   curl -fsSL https://raw.githubusercontent.com/eugenepyvovarov/codeagents-server-cc-proxy/HEAD/install.sh | sudo bash
#   sudo ./install.sh          from a checkout
#
# It asks nothing, may be run again, and brings its own Node.js. Every line it prints on standard output reads
# `[proxy] step=… status=ok|error …`. Variables that change what it does:
#
#   REPO_URL, REF    where the code comes from: a git repository, a folder or an archive; and which branch or tag of it
#   INSTALL_DIR      /opt/claude-proxy
#   DATA_DIR         /opt/claude-proxy/data
#   LOG_DIR          /var/log/claude-proxy
#   RUN_AS           the user it runs as; claude-proxy, or who it ran as before
#   ENV_FILE         /etc/claude-proxy.env
#   BIN_DIR          /usr/local/bin, where the command claude-proxy is put
#   SERVICE_MANAGER  systemd, supervisord or launchd, instead of what the machine has
#   SUPERVISORD_CONF the file of a supervisord other than the machine's; programs lie in conf.d beside it
#   CLAUDE_PROXY_*   options, which are added to ENV_FILE
set -eu

# The whole file is read before anything is done: a download that breaks off does nothing.
main() {
  REPO_URL=${REPO_URL:-$(own_checkout)}
  INSTALL_DIR=${INSTALL_DIR:-/opt/claude-proxy}
  DATA_DIR=${DATA_DIR:-${CLAUDE_PROXY_DATA_DIR:-$INSTALL_DIR/data}}
  LOG_DIR=${LOG_DIR:-/var/log/claude-proxy}
  ENV_FILE=${ENV_FILE:-/etc/claude-proxy.env}
  [ "$(id -u)" = 0 ] || fail preflight 'must run as root (use sudo)'
  case $(uname -s) in
    Linux) ok os_detect linux ;;
    Darwin) ok os_detect darwin ;;
    *) fail os_detect "unsupported OS: $(uname -s)" ;;
  esac

  add_packages
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  trap 'exit 1' HUP INT TERM
  fetch_code "$work/code"
  place_release "$work/code"
  export INSTALL_DIR LOG_DIR ENV_FILE
  export CLAUDE_PROXY_DATA_DIR="$DATA_DIR"
  # Tells its own steps.
  "$release/scripts/run_proxy_service.sh" service install </dev/null
  add_manual
}

ok() { printf '[proxy] step=%s status=ok detail=%s\n' "$1" "$2"; }

fail() {
  printf '[proxy] step=%s status=error msg="%s"\n' "$1" "$2"
  exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }

# Where this very file lies in a checkout, that one; piped into a shell it has no name.
own_checkout() {
  case $0 in
    *install.sh)
      here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
      if [ -f "$here/deploy/prepare.sh" ]; then
        echo "$here"
        return
      fi
      ;;
  esac
  echo https://github.com/eugenepyvovarov/codeagents-server-cc-proxy.git
}

# Asks the package manager for what is missing, and only then.
add_packages() {
  [ "$(uname -s)" != Darwin ] || return 0
  missing=''
  has curl || missing="$missing curl"
  has tar || missing="$missing tar"
  [ -e /etc/ssl/certs/ca-certificates.crt ] || [ -e /etc/pki/tls/certs/ca-bundle.crt ] ||
    [ -e /etc/ssl/cert.pem ] || missing="$missing ca-certificates"
  # With it, agents do not outlive a killed service. BusyBox has one that cannot do that.
  setpriv --help 2>&1 | grep -q pdeathsig || missing="$missing setpriv"
  case ${SERVICE_MANAGER:-} in
    systemd | launchd) ;;
    supervisord) has supervisord || missing="$missing supervisor" ;;
    *) [ -d /run/systemd/system ] || has supervisord || missing="$missing supervisor" ;;
  esac
  if [ -z "$missing" ]; then
    ok packages present
    return
  fi
  if has apt-get; then
    missing=$(echo "$missing" | sed 's/setpriv/util-linux/')
    manager='apt-get'
    export DEBIAN_FRONTEND=noninteractive
    install_packages() { apt-get update -q && apt-get install -qy --no-install-recommends "$@"; }
  elif has dnf || has yum; then
    missing=$(echo "$missing" | sed 's/setpriv/util-linux/')
    manager=$(has dnf && echo dnf || echo yum)
    install_packages() { "$manager" install -y "$@"; }
  elif has pacman; then
    missing=$(echo "$missing" | sed 's/setpriv/util-linux/')
    manager=pacman
    install_packages() { pacman -Sy --noconfirm --needed "$@"; }
  elif has apk; then
    # Claude Code for musl asks for the two libraries; its tools for a shell that knows arrays.
    missing="$missing libgcc libstdc++ bash"
    manager=apk
    install_packages() { apk add --no-cache "$@"; }
  else
    fail packages "no supported package manager; install$missing, then try again"
  fi
  # shellcheck disable=SC2086 # a list of words
  install_packages $missing >&2 </dev/null || fail packages "$manager could not install$missing"
  ok packages "$manager:$(echo "$missing" | sed 's/^ //; s/ /,/g')"
}

# Brings the code of REPO_URL into a folder that is not there yet.
fetch_code() {
  mkdir "$1"
  commit=''
  if [ -e "$REPO_URL/.git" ] && has git; then
    git_here() { git -c safe.directory='*' -C "$REPO_URL" "$@"; }
    git_here archive "${REF:-HEAD}" | tar -xf - -C "$1" || fail repo "$REPO_URL cannot be read"
    commit=$(git_here rev-parse --short=12 "${REF:-HEAD}")
  elif [ -d "$REPO_URL" ]; then
    tar -cf - -C "$REPO_URL" --exclude ./node_modules --exclude ./data --exclude ./.git . | tar -xf - -C "$1"
  elif [ -f "$REPO_URL" ]; then
    tar -xzf "$REPO_URL" -C "$1" --strip-components=1 || fail repo "$REPO_URL cannot be read"
  elif has git; then
    git clone -q --depth 1 ${REF:+--branch "$REF"} "$REPO_URL" "$1" >&2 </dev/null || fail repo "$REPO_URL cannot be cloned"
    commit=$(git -C "$1" rev-parse --short=12 HEAD)
    rm -rf "$1/.git"
  else
    url=${REPO_URL%.git}/archive/${REF:-HEAD}.tar.gz
    curl -fsSL --retry 3 -o "$work/code.tar.gz" "$url" || fail repo "$url cannot be had"
    tar -xzf "$work/code.tar.gz" -C "$1" --strip-components=1 || fail repo "$url is no archive"
    # An archive does not say which commit it holds.
    commit=$(cksum "$work/code.tar.gz" | cut -d ' ' -f 1)
  fi
  [ -f "$1/deploy/prepare.sh" ] || fail repo "$REPO_URL does not hold claude-proxy"
  version=$(sed -n 's/^  "version": "\([^"]*\)".*/\1/p' "$1/package.json")
  name=$version${commit:+-$commit}
  echo "$name" >"$1/RELEASE"
  ok repo "$name"
}

# Puts the code where it stays, with all that it needs; nothing that is running is touched.
place_release() {
  release=$INSTALL_DIR/releases/$name
  mkdir -p "$INSTALL_DIR/releases"
  if [ ! -f "$release/.ready" ]; then
    # Half of an earlier attempt; nothing runs from there.
    rm -rf "$release"
    mv "$1" "$release" 2>/dev/null || cp -R "$1" "$release"
    chmod 755 "$release"
  fi
  earlier=''
  [ ! -f "$INSTALL_DIR/current/.ready" ] || earlier=$(CDPATH='' cd -- "$INSTALL_DIR/current" && pwd -P)
  "$release/deploy/prepare.sh" "$release" "$earlier" </dev/null || fail node "$name could not be made ready; see above"
  ok node "$("$release/runtime/bin/node" -v)"
}

# The man page, and what shells need for the tab key, where the machine has places for them. What stands there asks the
# release that is current, so that it stays right after an upgrade. It is no step: clients wait for `complete`, and nothing
# fails for want of it.
add_manual() {
  # The command is in a place of its own: so is all else.
  [ -z "${BIN_DIR:-}" ] || return 0
  if [ -d /usr/local/share/man ] || [ -d /usr/local/man ]; then
    pages=/usr/local/share/man/man1
    if mkdir -p "$pages"; then ln -sf "$INSTALL_DIR/current/deploy/man/claude-proxy.1" "$pages/claude-proxy.1" || true; fi
  fi
  add_completions
}

# shellcheck disable=SC2016 # run by the shell that completes
add_completions() {
  add_completion /usr/share/bash-completion/completions claude-proxy 'eval "$(claude-proxy completion bash)"'
  add_completion /usr/share/zsh/vendor-completions _claude-proxy '#compdef claude-proxy
eval "$(claude-proxy completion zsh)"'
  add_completion /usr/share/fish/vendor_completions.d claude-proxy.fish 'claude-proxy completion fish | source'
}

# add_completion DIR FILE TEXT
add_completion() {
  if [ -d "$1" ]; then printf '%s\n' "$3" >"$1/$2" || true; fi
}

main "$@"
