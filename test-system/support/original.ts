/** Where a Python original is put, and how its supervisord is started. */
export interface OriginalPlace {
  readonly installDir: string
  readonly programs: string
  /** The folder of its conversation. */
  readonly folder: string
  readonly port: number
  readonly start: string
}

export const USUAL_PLACE: OriginalPlace = {
  installDir: '/opt/claude-proxy',
  programs: '/etc/supervisor/conf.d',
  folder: '/srv/project',
  port: 8787,
  start: 'service supervisor start',
}

/**
 * A script that puts the Python original on a machine, as its own installer does, but for its code: a stand-in that says
 * that it is well.
 */
export function originalAt({ installDir, programs, folder, port, start }: OriginalPlace): string {
  return String.raw`
set -e
mkdir -p ${installDir}/claude_proxy ${installDir}/scripts ${installDir}/data/conversations/phone-1 ${folder}
cd ${installDir}
touch claude_proxy/__init__.py
cat > app.py <<'PY'
from http.server import BaseHTTPRequestHandler, HTTPServer
class Door(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"ok":true}')
HTTPServer(("127.0.0.1", ${port}), Door).serve_forever()
PY
printf '#!/bin/sh\nexec python3 ${installDir}/app.py\n' > scripts/run_proxy_service.sh
chmod +x scripts/run_proxy_service.sh
cd data/conversations/phone-1
echo '{"conversation_id":"phone-1","cwd":"${folder}"}' > meta.json
echo '{"type":"user","message":{"role":"user","content":[{"type":"text","text":"hi"}]}}' > events.ndjson
echo '{"type":"result","subtype":"success","is_error":false,"result":"ok"}' >> events.ndjson
cat > ${programs}/claude-proxy.conf <<'CONF'
[program:claude-proxy]
command=${installDir}/scripts/run_proxy_service.sh
directory=${installDir}
autostart=true
CONF
${start}
until curl -fsS http://127.0.0.1:${port}/healthz; do sleep 0.2; done
`
}
