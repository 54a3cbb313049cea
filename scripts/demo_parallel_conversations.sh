#!/usr/bin/env bash
# Streams two conversations in parallel, each in a folder of its own and in two turns, and checks that turn 2
# remembers turn 1 and nothing of the other conversation. Needs a running service, bash and curl.
#
#   BASE_URL  the service               (default http://127.0.0.1:8787)
#   CWD_A, CWD_B  folders on the service's machine (default: fresh temporary ones, removed at the end)
#   TURN_TIMEOUT  seconds that a turn may take (default 300)
#   CLAUDE_PROXY_TOKEN  sent as bearer token if the service wants one
#
# Ends with 0 when both remember, with 1 otherwise.
set -euo pipefail

BASE_URL=${BASE_URL:-http://127.0.0.1:8787}
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

# A text as a JSON string.
json() {
  local text=${1//\\/\\\\}
  text=${text//\"/\\\"}
  printf '"%s"' "${text//$'\n'/\\n}"
}

call() {
  curl --silent --show-error ${CLAUDE_PROXY_TOKEN:+-H "Authorization: Bearer $CLAUDE_PROXY_TOKEN"} "$@"
}

# turn NAME ID CWD TEXT AFTER: streams one turn into $WORK/NAME.sse; only events after number AFTER.
turn() {
  local name=$1 body status result
  # No tools: a model that wanted to note the word down somewhere would wait for a permission.
  body="{\"conversation_id\":$(json "$2"),\"cwd\":$(json "$3"),\"text\":$(json "$4"),\"allowed_tools\":[],\"tool_approvals\":{\"allow\":[],\"deny\":[\"*\"]}}"
  status=$(call --no-buffer --max-time "${TURN_TIMEOUT:-300}" -X POST "$BASE_URL/v1/agent/stream" \
    -H 'Content-Type: application/json' -H 'Accept: text/event-stream' -H "Last-Event-ID: $5" \
    -d "$body" -o "$WORK/$name.sse" -w '%{http_code}') || fail "$name: the stream broke off"
  [[ $status == 200 ]] || fail "$name: the service answered $status: $(head -c 500 "$WORK/$name.sse")"
  # The last one: in a folder that was used before, the history comes first.
  result=$(grep '"type":"result"' "$WORK/$name.sse" | tail -n 1) || fail "$name: the stream ended without a result"
  [[ $result != *'"is_error":true'* ]] || fail "$name: the run failed: ${result:0:1000}"
}

# What the agent said in a turn, whatever it was asked.
said() {
  grep '^data: {' "$WORK/$1.sse" | grep '"type":"assistant"' || true
}

last_id() {
  sed -n 's/^id: //p' "$WORK/$1.sse" | tail -n 1
}

# Two turns. The word is in the first prompt only, so in turn 2 it can only come from what the agent remembers.
conversation() {
  local name=$1 id=$2 cwd=$3 word=$4
  turn "$name-1" "$id" "$cwd" "Remember the word $word. Answer with OK." 0
  echo "$name: turn 1 is over after event $(last_id "$name-1")"
  turn "$name-2" "$id" "$cwd" 'Which word did I ask you to remember? Answer with the word.' "$(last_id "$name-1")"
  echo "$name: turn 2 is over after event $(last_id "$name-2")"
}

expect_word() {
  local text
  text=$(said "$1-2")
  shopt -s nocasematch
  [[ $text == *"$2"* ]] || fail "$1: turn 2 does not remember $2. It said: ${text:0:1000}"
  [[ $text != *"$3"* ]] || fail "$1: turn 2 knows $3, which belongs to the other conversation"
  echo "$1: turn 2 remembers $2"
}

call --fail --max-time 10 --output /dev/null "$BASE_URL/healthz" || fail "no service answers on $BASE_URL"
mkdir "$WORK/a" "$WORK/b"
CWD_A=${CWD_A:-$WORK/a}
CWD_B=${CWD_B:-$WORK/b}
RUN=$$-$(date +%s)

conversation A "demo-a-$RUN" "$CWD_A" tangerine &
PID_A=$!
conversation B "demo-b-$RUN" "$CWD_B" periwinkle &
PID_B=$!
OK=yes
wait "$PID_A" || OK=no
wait "$PID_B" || OK=no
[[ $OK == yes ]] || exit 1

expect_word A tangerine periwinkle
expect_word B periwinkle tangerine
echo "OK: two conversations in parallel, two turns each, and each remembers its own."
