import { mkdirSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { ensureBuilt } from '../packages/console/build/build.ts'
import { EXECUTABLE } from '../packages/server/test/support/chromium.ts'
import { call } from '../packages/server/test/support/client.ts'
import { startTestService } from '../packages/server/test/support/service.ts'
import { addPast } from './screenshots/past.ts'
import { FILES, type Scene, SCENES } from './screenshots/scene.ts'

/**
 * Takes the pictures of README: the real service with the real Claude Code, which a scripted model tells what to do.
 * `node scripts/screenshots.ts [DIRECTORY]`; without one into `docs/images`.
 */
const DIRECTORY = process.argv[2] ?? join(import.meta.dirname, '../docs/images')
const DESKTOP: BrowserContextOptions = { viewport: { width: 1280, height: 800 }, colorScheme: 'light' }
const PHONE: BrowserContextOptions = {
  viewport: { width: 390, height: 844 },
  isMobile: true,
  hasTouch: true,
  colorScheme: 'dark',
}
const MOST_BYTES = 150_000

await ensureBuilt()
mkdirSync(DIRECTORY, { recursive: true })
await using service = await startTestService({
  agent: 'claude',
  scriptOf: (prompt) => {
    const scene = SCENES.find((one) => prompt.startsWith(one.prompt))
    return scene === undefined ? '@end All right.' : scene.script.replaceAll('CWD', service.folder(scene.folder))
  },
})
const folders = [...new Set(SCENES.map(({ folder }) => folder))].map((name) => service.folder(name))
for (const [name, content] of Object.entries(FILES)) {
  const file = join(service.folder(), '..', name)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, content)
}
await service.pause(async () => addPast(service.dataDir, folders.toReversed(), Date.now()))
const ids: string[] = []
for (const scene of SCENES) ids.push(await play(scene))
const last = ids.at(-1) ?? ''

const browser = await chromium.launch({ executablePath: EXECUTABLE ?? '', args: ['--no-sandbox'] })
await take('console-light', `#/c/${last}`, DESKTOP, (page) => page.locator('.approval').waitFor())
await take('console-phone', `#/c/${last}`, PHONE, (page) => page.locator('.approval').waitFor())
await take('console-usage', '#/usage', DESKTOP, (page) => page.getByRole('table', { name: 'By model' }).waitFor())
await browser.close()

/** Lets a scene happen up to where it is left. */
async function play({ folder, title, prompt, until }: Scene): Promise<string> {
  const body = { cwd: service.folder(folder), title }
  const { json } = await call(`${service.base}/v1/conversations`, { method: 'POST', body })
  const path = `${service.base}/v1/conversations/${String(json?.['conversation_id'])}`
  await call(`${path}/messages`, { method: 'POST', body: { text: prompt } })
  const wanted = { done: 'idle', asked: 'waiting', working: 'running' }[until]
  for (;;) {
    const { state, head = 0, approvals = [] } = (await call(path)).json as Details
    if (state === wanted && head > 2) return String(json?.['conversation_id'])
    if (until !== 'asked')
      for (const { approval_id: id } of approvals)
        await call(`${service.base}/v1/approvals/${id}`, { method: 'POST', body: { behavior: 'allow' } })
    await wait(200)
  }
}

interface Details {
  readonly state?: string
  readonly head?: number
  readonly approvals?: readonly { readonly approval_id: string }[]
}

async function take(
  name: string,
  place: string,
  options: BrowserContextOptions,
  isThere: (page: Page) => Promise<void>,
): Promise<void> {
  const context = await browser.newContext({ locale: 'en-GB', ...options })
  const page = await context.newPage()
  await page.goto(`${service.base}/${place}`)
  await isThere(page)

  // Where the folders lie while the pictures are taken is of no interest.
  await page.evaluate(
    `((from, to) => {
      const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
      while (walker.nextNode()) walker.currentNode.data = walker.currentNode.data.replaceAll(from, to)
    })(${JSON.stringify(dirname(folders[0] ?? ''))}, '~')`,
  )
  const path = join(DIRECTORY, `${name}.png`)
  await page.screenshot({ path })
  const { size } = statSync(path)
  process.stdout.write(`${name}: ${Math.round(size / 1000)} kB\n`)
  if (size > MOST_BYTES) process.exitCode = 1
  await context.close()
}
