import { parseArgs } from 'node:util'
import { PARTS } from './parts.ts'
import { runPart } from './lib/run.ts'
import type { Part } from './lib/part.ts'

const USAGE = `npm run torture                 everything, the long version
npm run torture -- NAME…        only these parts
npm run torture -- --list       the parts
npm run torture -- --brief      the short version, which is part of the tests
npm run torture -- --seed N     the same choices again`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    brief: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    seed: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) say(USAGE)
else if (values.list) for (const { name, sentence } of PARTS) say(`${name.padEnd(10)} ${sentence}`)
else process.exit(await main(chosenParts(positionals)))

/** Runs the parts one after the other; resolves to the exit code. */
async function main(parts: readonly Part[]): Promise<number> {
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31))
  if (!Number.isInteger(seed)) throw new Error('A seed is a whole number.')
  say(`seed ${seed}`)
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort(new Error('Stopped.')))
  const write = (text: string) => void process.stderr.write(`  ${text}\n`)
  for (const part of parts) {
    const start = performance.now()
    say(`${part.name}: ${part.sentence}`)
    try {
      const lines = await runPart(part, { seed, brief: values.brief, signal: stop.signal, say: write })
      for (const line of lines) say(`  ${line}`)
      say(`  held, after ${Math.round((performance.now() - start) / 1000)} s`)
    } catch (error) {
      say(`  BROKEN: ${error instanceof Error ? error.stack : String(error)}`)
      return 1
    }
  }
  return 0
}

function chosenParts(names: readonly string[]): readonly Part[] {
  for (const name of names)
    if (!PARTS.some((part) => part.name === name)) throw new Error(`There is no part ${name}; see --list.`)
  return names.length === 0 ? PARTS : PARTS.filter(({ name }) => names.includes(name))
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}
