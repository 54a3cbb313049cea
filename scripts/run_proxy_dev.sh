#!/usr/bin/env bash
# Starts the service for development; it starts again when a file changes. CLAUDE_PROXY_HOST, CLAUDE_PROXY_PORT,
# CLAUDE_PROXY_DATA_DIR and what the agent needs come from the environment, or from .env.local in the repository's
# root. Arguments go to the service.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec npm run dev -- "$@"
