/**
 * Puts the Python original on a machine, as its own installer does, but for its code: a stand-in that says that it is
 * well.
 */
export const ORIGINAL = String.raw`
set -e
mkdir -p /opt/claude-proxy/claude_proxy /opt/claude-proxy/scripts /opt/claude-proxy/data/conversations/phone-1 /srv/project
cd /opt/claude-proxy
touch claude_proxy/__init__.py
cat > app.py <<'PY'
from http.server import BaseHTTPRequestHandler, HTTPServer
class Door(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"ok":true}')
HTTPServer(("127.0.0.1", 8787), Door).serve_forever()
PY
printf '#!/bin/sh\nexec python3 /opt/claude-proxy/app.py\n' > scripts/run_proxy_service.sh
chmod +x scripts/run_proxy_service.sh
cd data/conversations/phone-1
echo '{"conversation_id":"phone-1","cwd":"/srv/project"}' > meta.json
echo '{"type":"user","message":{"role":"user","content":[{"type":"text","text":"hi"}]}}' > events.ndjson
echo '{"type":"result","subtype":"success","is_error":false,"result":"ok"}' >> events.ndjson
cat > /etc/supervisor/conf.d/claude-proxy.conf <<'CONF'
[program:claude-proxy]
command=/opt/claude-proxy/scripts/run_proxy_service.sh
directory=/opt/claude-proxy
autostart=true
CONF
service supervisor start
until curl -fsS http://127.0.0.1:8787/healthz; do sleep 0.2; done
`
