import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { endAll } from './lib/processes.ts'
import { machineFacts, mostOpenFiles } from './lib/machine.ts'
import type { Context, Part } from './lib/part.ts'
import { latestOutcomes, type Outcome, writeDocument, writeResults } from './lib/results.ts'
import { terminalLines } from './lib/table.ts'
import { PARTS } from './parts.ts'

const USAGE = `npm run bench                 measures everything, each part side by side with its baseline
npm run bench -- NAME…        only these parts
npm run bench -- --list       the parts
npm run bench -- --brief      small sizes, one round: only whether it works; its figures mean nothing
npm run bench -- --rounds N   how often candidate and baseline take turns (5)
npm run bench -- --write      also puts the table into docs/performance.md`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    brief: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) say(USAGE)
else if (values.list) for (const { name, sentence } of PARTS) say(`${name.padEnd(16)} ${sentence}`)
else process.exit(await main(chosenParts(positionals)))

/** Measures the parts one after the other; resolves to the exit code. */
async function main(parts: readonly Part[]): Promise<number> {
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort(new Error('Stopped.')))
  // Parts wait for processes, not for the signal.
  stop.signal.addEventListener('abort', () => void endAll().finally(() => process.exit(130)))
  const scratch = await mkdtemp(join(tmpdir(), 'claude-proxy-bench-'))
  process.on('exit', () => rmSync(scratch, { recursive: true, force: true, maxRetries: 3 }))
  const machine = machineFacts(scratch)
  say(`${machine.processor}, ${machine.cores} cores, ${machine.system}, Node ${machine.node}`)
  say(`fdatasync ${machine.fdatasyncP50Ms} ms (p50), load average ${machine.loadAverage}\n`)
  const context: Context = {
    brief: values.brief,
    rounds: Number(values.rounds ?? (values.brief ? 1 : 5)),
    signal: stop.signal,
    scratch,
    // Some files are other things than sockets.
    mostSockets: mostOpenFiles() - 200,
    say: (text) => process.stderr.write(`  ${text}\n`),
  }
  const outcomes: Outcome[] = []
  for (const part of parts) {
    outcomes.push(await measure(part, context))
    // The end comes from the handler above.
    if (stop.signal.aborted) await new Promise(() => {})
  }
  if (!values.brief) report(outcomes)
  const failed = outcomes.filter(({ failure }) => failure !== undefined)
  for (const { name, failure } of failed) process.stderr.write(`${name} failed: ${failure}\n`)
  return failed.length > 0 ? 1 : 0

  function report(measured: readonly Outcome[]): void {
    const now = new Date()
    say(`\nAll repetitions are in ${writeResults(machine, measured, now)}`)
    if (!values.write) return
    const latest = new Map(latestOutcomes().map((outcome) => [outcome.name, outcome]))
    writeDocument(
      machine,
      PARTS.flatMap(({ name }) => latest.get(name) ?? []),
      now,
    )
  }
}

async function measure(part: Part, context: Context): Promise<Outcome> {
  const start = performance.now()
  const seconds = () => Number(((performance.now() - start) / 1000).toFixed(1))
  const { name, sentence } = part
  process.stderr.write(`${name}: ${sentence}\n`)
  try {
    const rows = await part.run(context)
    for (const line of terminalLines(name, rows)) say(line)
    process.stderr.write(`  ${seconds()} s\n`)
    return { name, sentence, seconds: seconds(), rows }
  } catch (error) {
    const failure = error instanceof Error ? (error.stack ?? error.message) : String(error)
    process.stderr.write(`  failed: ${failure}\n`)
    return { name, sentence, seconds: seconds(), rows: [], failure }
  }
}

function chosenParts(names: readonly string[]): readonly Part[] {
  for (const name of names)
    if (!PARTS.some((part) => part.name === name)) throw new Error(`There is no part ${name}; see --list.`)
  return names.length === 0 ? PARTS : PARTS.filter(({ name }) => names.includes(name))
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}
