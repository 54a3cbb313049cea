import { parseArgs } from 'node:util'
import { tell } from './print.ts'
import { freePort, serve } from './serve.ts'
import { runStory } from './story.ts'
import { buildWorld, type World } from './world.ts'

const USAGE = `npm run demo                          show the service at work, in half a minute
npm run demo -- --serve [--port 8787]  leave it running, to try it by hand`

const DEFAULT_PORT = 8787
const STORY_TIMEOUT_MS = 90_000

const { values } = parseArgs({
  options: { serve: { type: 'boolean' }, port: { type: 'string' }, help: { type: 'boolean' } },
})

if (values.help === true) tell(USAGE)
else process.exitCode = await main(values.serve === true, values.port)

/** Runs the demo; resolves to the exit code. */
async function main(isServing: boolean, port: string | undefined): Promise<number> {
  tell('The model in this demo is a script, not a real model. The rest is real: Claude Code, its tools, the service.')
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort(new Error('Stopped.')))
  try {
    return isServing ? await keep(port, stop.signal) : await show(stop.signal)
  } catch (error) {
    const why: unknown = stop.signal.aborted ? stop.signal.reason : error
    process.stderr.write(`\nThe demo failed: ${why instanceof Error ? why.message : String(why)}\n`)
    return 1
  }
}

async function show(stop: AbortSignal): Promise<number> {
  const signal = AbortSignal.any([stop, AbortSignal.timeout(STORY_TIMEOUT_MS)])
  const world = await buildWorld(0, signal)
  try {
    const isGood = await runStory(world, signal)
    if (!isGood) throw new Error('a promise was not kept, see above.')
  } catch (error) {
    tell(`\nThe last lines of the service's log:\n${world.log.lines.join('\n')}`)
    throw error
  } finally {
    await close(world)
  }
  return 0
}

async function keep(port: string | undefined, stop: AbortSignal): Promise<number> {
  const world = await buildWorld(port === undefined ? await freePort(DEFAULT_PORT) : Number(port), stop)
  try {
    await serve(world, stop)
  } finally {
    await close(world)
  }
  return 0
}

async function close(world: World): Promise<void> {
  tell(`\nThe service has stopped: ${await world.close()}. The folders are removed.`)
}
