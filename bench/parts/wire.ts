import { mkdtemp } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { constants, createGzip, gunzipSync } from 'node:zlib'
import { agentEnvironment } from '../lib/agents.ts'
import { openDoor } from '../lib/door.ts'
import { HttpBody } from '../lib/http-body.ts'
import type { Context, Part } from '../lib/part.ts'
import { getRequest, startService, streamRequest } from '../lib/service.ts'

/** A typical conversation: words, commands, a file written and read, an answer of some length. */
const PROMPT = [
  'Please look around, then write a small script and try it.',
  '@say I will look at what is there first.',
  '@bash ls -la; uname -s',
  '@say Nothing here yet. I write the script.',
  String.raw`@write hello.sh #!/bin/sh\nset -eu\nfor name in "$@"; do\n  printf "Hello, %s!\n" "$name"\ndone\n`,
  '@bash sh hello.sh Ada Grace Barbara',
  '@say It works. I read it once more, to be sure.',
  '@tool Read {"file_path":"FOLDER/hello.sh"}',
  '@bash seq 1 200',
  '@text 600',
  '@end All done: hello.sh greets everybody who is named on its command line.',
].join('\n')

/** What a phone pays for. */
export const wire: Part = {
  name: 'wire',
  sentence: 'bytes on the wire per event of a typical conversation of the real agent, plain and as gzip would make it',

  async run(context: Context) {
    const scratch = await mkdtemp(join(context.scratch, 'wire-'))
    await using door = await openDoor()
    const env = await agentEnvironment(join(scratch, 'home'), door.url)
    await using service = await startService({ dataDir: join(scratch, 'data'), agent: 'claude', env })
    const cwd = await mkdtemp(join(scratch, 'work-'))
    const allowed_tools = ['Bash', 'Write', 'Read']
    const prompt = { conversation_id: 'wire', cwd, allowed_tools, text: PROMPT.replace('FOLDER', cwd) }
    const live = await exchange(service.port, streamRequest(prompt))
    const replay = await exchange(
      service.port,
      getRequest('/v1/conversations/wire/events?since=0', ['Connection: close']),
    )
    const frames = live.body.toString('latin1').split(/(?<=\n\n)/)
    const events = replay.body.toString('latin1').split('\n').length - 1
    if (frames.length !== events) throw new Error(`${frames.length} events came live, ${events} in the replay`)
    const flushed = (await gzipEach(frames)) / events
    const packed = await exchange(
      service.port,
      getRequest('/v1/conversations/wire/events?since=0', ['Connection: close', 'Accept-Encoding: gzip']),
    )
    if (!gunzipSync(packed.body).equals(replay.body)) throw new Error('the packed replay is not the plain one')
    return [
      {
        what: `live SSE, ${events} events, everything on the wire`,
        unit: 'B/event',
        candidate: [live.bytes / events],
        against: 'gzip, flushed after each event',
        baseline: [flushed],
      },
      {
        what: `replay as NDJSON, ${events} events, everything on the wire`,
        unit: 'B/event',
        candidate: [replay.bytes / events],
        against: 'as gzip, asked for',
        baseline: [packed.bytes / events],
      },
    ]
  },
}

async function exchange(port: number, request: string): Promise<{ bytes: number; body: Buffer }> {
  const socket = connect(port, '127.0.0.1')
  socket.write(request)
  const bytes = await buffer(socket)
  const parts: Buffer[] = []
  const response = new HttpBody((piece, start, end) => parts.push(Buffer.from(piece.subarray(start, end))))
  response.feed(bytes, 0, bytes.length)
  if (response.status !== 200) throw new Error(`the service answered ${bytes.toString('latin1')}`)
  return { bytes: bytes.length, body: Buffer.concat(parts) }
}

/** The bytes of one gzip stream that holds nothing back: as a live stream would have to be. */
async function gzipEach(frames: readonly string[]): Promise<number> {
  const gzip = createGzip({ flush: constants.Z_SYNC_FLUSH })
  const all = buffer(gzip)
  for (const frame of frames) {
    await new Promise<void>((resolve, reject) => {
      gzip.write(frame, 'latin1', (error) => (error ? reject(error) : resolve()))
    })
  }
  gzip.end()
  return (await all).length
}
