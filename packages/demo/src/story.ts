import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { checksOf, type Evidence } from './checks.ts'
import { paint, show, tell } from './print.ts'
import { replay, stream, type Prompt } from './service.ts'
import type { Frame } from './sse.ts'
import type { World } from './world.ts'

const FILE = 'hello.txt'
const CONTENT = 'Hello from the agent.\n'

/** The prompt: the lines with an @ tell the script what to do; a model would simply be asked. */
const TEXT = [
  'Please count to three, and write me a greeting.',
  '@say I count, with the real Bash.',
  '@bash for n in 1 2 3; do echo "count $n"; sleep 0.7; done',
  '@say Now I write a real file.',
  `@write ${FILE} ${CONTENT.replace('\n', '\\n')}`,
  `@bash cat ${FILE}`,
].join('\n')

const AWAY_MS = 1000

/** Runs the story: stream, cut, resume, replay, look. True when every promise was kept. */
export async function runStory(world: World, signal: AbortSignal): Promise<boolean> {
  const conversation = randomUUID()
  const attach = { conversation_id: conversation, cwd: world.folder, allowed_tools: ['Bash', 'Write', 'Read'] }

  chapter('One prompt: the agent is to run a command and to write a file')
  const beforeCut = await untilToolRuns(world.url, { ...attach, text: TEXT }, signal)
  const last = beforeCut.at(-1)?.id ?? 0

  chapter(`Cut! The connection is gone after event ${last}; the agent does not notice and works on`)
  await sleep(AWAY_MS, undefined, { signal })

  chapter(`Back again with Last-Event-ID: ${last}`)
  const afterCut: Frame[] = []
  for await (const frame of stream(world.url, attach, signal, last)) {
    show(frame)
    afterCut.push(frame)
  }

  chapter('What came of it')
  const replayed = await replay(world.url, conversation, 0, signal)
  const fileFound = await readFile(join(world.folder, FILE), 'utf8').catch((error: unknown) => String(error))
  return report({ beforeCut, afterCut, replayed, fileWanted: CONTENT, fileFound })
}

/** The events up to the one with the first tool call; then the command runs, and the connection is cut. */
async function untilToolRuns(url: string, prompt: Prompt, signal: AbortSignal): Promise<Frame[]> {
  const frames: Frame[] = []
  for await (const frame of stream(url, prompt, signal)) {
    show(frame)
    frames.push(frame)
    if (frame.data.includes('"type":"tool_use"')) break
  }
  return frames
}

function report(evidence: Evidence): boolean {
  const checks = checksOf(evidence)
  for (const { claim, holds, found } of checks) {
    tell(holds ? `${paint('green', 'yes')}  ${claim}` : `${paint('red', 'NO')}   ${claim}: ${found}`)
  }
  return checks.every((check) => check.holds)
}

function chapter(title: string): void {
  tell(`\n${paint('bold', title)}`)
}
