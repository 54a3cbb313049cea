import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildWorld, type World } from '../packages/demo/src/world.ts'

/** Runs every snippet of docs/recipes.md, one after the other, with the real agent on the scripted model. */
const RECIPES = readFileSync(join(import.meta.dirname, '../docs/recipes.md'), 'utf8')
/** What the model does with the prompts of the recipes: the smallest script language there is (scripted-model/grammar.ts). */
const SCRIPTS: Record<string, string> = {
  'Are the docs up to date?': '@bash ls\\n@end The docs are fine.',
  'Write a greeting into hello.txt.': '@write hello.txt Hello!\\n@end It is written.',
  'Watch the log.': '@hang',
}
/** A transparent pixel. */
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

/** What a snippet has to say, or the end of what it says, by its recipe. */
const SAYS: Record<string, { sh: RegExp; python: RegExp }> = {
  'Ask, and wait for the answer': { sh: /^The docs are fine\.\n$/, python: /^The docs are fine\.\n$/ },
  'Send it, and look later': { sh: /"state": "idle"[^]*Tidy up\./, python: /^Tidy up\. [\d.]+\n[^]*Tidy up\./ },
  'Go on where the connection broke': { sh: /"type":"result"[^]*\nid: \d+\ndata: /, python: /\d+ result\n$/ },
  'Decide what the agent may do': { sh: /"tool_name": "Write"[^]*"state":"allowed"/, python: /^$/ },
  'Stop it, or have the next prompt wait': { sh: /"Then sum it up\."/, python: /^\['[0-9a-f]{32}'\]\n$/ },
  'Show it a picture': { sh: /"watch_since":\d+/, python: /^\d+\n$/ },
  'Watch everything on one connection': { sh: /retry: \d+/, python: /^(\S+ (is done|needs you): [^]*){3}$/ },
  'Find what was said': { sh: /greeting into hello/, python: /greeting into hello/ },
  'Branch off': { sh: /^\S+\n$/, python: /^\S+\n$/ },
  'See what it costs': { sh: /"runs"/, python: /^\S+ \d+ [\d.]+\n/ },
}

const run = promisify(execFile)
const [setup = '', ...recipes] = RECIPES.split(/^## /m)
const root = mkdtempSync(join(tmpdir(), 'claude-proxy-recipes-'))
let world: World

beforeAll(async () => {
  world = await buildWorld(0, new AbortController().signal)
  writeFileSync(join(root, 'proxy.py'), snippet(setup, 'python'))
})
afterAll(async () => {
  await world?.close()
  rmSync(root, { recursive: true })
})

it('there is something to say for each recipe', () => {
  expect(recipes.map((text) => text.split('\n', 1)[0])).toEqual(Object.keys(SAYS))
})

describe.each(Object.keys(SAYS))('%s', (title) => {
  const recipe = recipes.find((text) => text.startsWith(`${title}\n`)) ?? ''
  it('with curl', async () => expect(await output('bash', ['-euo', 'pipefail', '-c'], 'sh')).toMatch(SAYS[title]!.sh))
  it('with Python', async () => expect(await output('python3', ['-c'], 'python')).toMatch(SAYS[title]!.python))

  async function output(program: string, options: string[], language: string): Promise<string> {
    // What was said a moment ago is in the index, however busy the machine is.
    await expect.poll(isIndexed, { timeout: 60_000 }).toBe(true)
    const cwd = mkdtempSync(join(root, 'folder-'))
    writeFileSync(join(cwd, 'screen.png'), Buffer.from(PNG, 'base64'))
    const env = { PATH: process.env['PATH'], CLAUDE_PROXY: world.url, PYTHONUNBUFFERED: '1', PYTHONPATH: root }
    const { stdout } = await run(program, [...options, snippet(recipe, language)], { cwd, env, timeout: 100_000 })
    return stdout
  }
})

async function isIndexed(): Promise<boolean> {
  const answer = await fetch(`${world.url}/v1/search?q=any`)
  const { up_to_date } = (await answer.json()) as { up_to_date: boolean }
  return up_to_date
}

/** The first snippet in a language, its prompts with what the model does about them. */
function snippet(text: string, language: string): string {
  const [, code] = text.match(new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``)) ?? []
  if (code === undefined) throw new Error(`no ${language} in: ${text}`)
  return code.replaceAll(/"([^"\n]+)"/g, (quoted, prompt: string) => {
    const script = SCRIPTS[prompt]
    return script === undefined ? quoted : `"${prompt}\\n${script}"`
  })
}
