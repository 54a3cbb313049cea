import { once } from 'node:events'
import { createServer } from 'node:net'
import { tell } from './print.ts'
import type { World } from './world.ts'

/** Leaves the service running until `signal` aborts, with lines to try. Throws when the service ends by itself. */
export async function serve(world: World, signal: AbortSignal): Promise<void> {
  tell(lines(world.url, world.folder))
  const stopped = signal.aborted ? Promise.resolve() : once(signal, 'abort')
  const wanted = await Promise.race([stopped.then(() => true), world.ended.then(() => false)])
  if (!wanted) throw new Error(`The service ended by itself.\n${world.log.lines.join('\n')}`)
}

/** The first port from `from` on that nobody has. */
export async function freePort(from: number): Promise<number> {
  for (let port = from; port < from + 100; port++) {
    if (await isFree(port)) return port
  }
  throw new Error(`No port from ${from} to ${from + 99} is free; name one with --port.`)
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
    server.close()
    return true
  } catch {
    return false
  }
}

function lines(url: string, folder: string): string {
  const attach = { conversation_id: 'demo', cwd: folder, allowed_tools: ['Bash', 'Write', 'Read'] }
  const post = `curl -sN ${url}/v1/agent/stream -H 'Content-Type: application/json'`
  const prompt = (text: string) => `${post} -d '${JSON.stringify({ ...attach, text })}'`
  return `
The service answers on ${url}. Try, in another terminal:

# Is it there?
curl -s ${url}/healthz

# A prompt; the lines with an @ tell the script what to do. A Ctrl-C in the middle does not stop the agent.
${prompt('My word is fig.\n@bash sleep 5; date\n@write note.txt fig')}

# Resume after event 3: what was missed, then what still happens.
${post} -H 'Last-Event-ID: 3' -d '${JSON.stringify(attach)}'

# The whole conversation again, one event a line.
curl -s '${url}/v1/conversations/demo/events?since=0'

# A second turn: first the history, then the agent, which remembers the first turn.
${prompt('@recall')}

The agent works in ${folder}
Ctrl-C stops the service and removes that folder.`
}
