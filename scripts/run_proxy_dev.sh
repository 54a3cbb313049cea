#!/usr/bin/env bash
# Starts the service for development, on this machine only.
#
# Read from the environment, and from .env.local in the root of the repository if it is there (lines KEY=value; what
# the environment has already wins): CLAUDE_PROXY_HOST, CLAUDE_PROXY_PORT, CLAUDE_PROXY_DATA_DIR, every other
# CLAUDE_PROXY_* option, and what the agent needs, such as ANTHROPIC_API_KEY. Arguments go to the service.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [[ -f .env.local ]]; then
  # Read and not sourced: a value with a blank or a $ in it is a value, not a command.
  while IFS= read -r line || [[ -n $line ]]; do
    [[ $line =~ ^[[:space:]]*(export[[:space:]]+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)$ ]] || continue
    name=${BASH_REMATCH[2]} value=${BASH_REMATCH[3]%$'\r'}
    [[ $value =~ ^\"(.*)\"$ || $value =~ ^\'(.*)\'$ ]] && value=${BASH_REMATCH[1]}
    [[ -n ${!name+set} ]] || export "$name=$value"
  done < .env.local
fi

exec npm run dev -- "$@"
