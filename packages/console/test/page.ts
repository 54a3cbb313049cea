import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { onTestFinished } from 'vitest'
import { EXECUTABLE } from '../../server/test/support/chromium.ts'
import { call } from '../../server/test/support/client.ts'
import type { TestService } from '../../server/test/support/service.ts'

export { EXECUTABLE }

if (EXECUTABLE === undefined)
  process.stderr.write('SKIPPED: there is no Chromium here, so that nobody looks at the page.\n')

/** How long a condition may take to come true on a busy machine. */
export const PATIENCE = { timeout: 30_000 }

export const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }
const DESKTOP = { viewport: { width: 1280, height: 800 } }

export interface Opened {
  readonly page: Page
  /** What the page has complained of: errors, and what its policy refused. */
  readonly complaints: readonly string[]
  /** Where it has asked for something. */
  readonly hosts: ReadonlySet<string>
}

/** Opens pages in one browser, which ends with the test. */
export async function openBrowser(): Promise<(url: string, options?: BrowserContextOptions) => Promise<Opened>> {
  const browser: Browser = await chromium.launch({
    executablePath: EXECUTABLE ?? '',
    args: ['--no-sandbox'],
    env: { PATH: process.env['PATH'] ?? '' },
  })
  onTestFinished(() => browser.close())
  return async (url, options = DESKTOP) => {
    const context = await browser.newContext(options)
    const page = await context.newPage()
    const complaints: string[] = []
    const hosts = new Set<string>()
    page.on('pageerror', (error) => complaints.push(String(error)))
    page.on('console', (message) => {
      // A connection that was cut is no fault of the page.
      if (message.type() === 'error' && !/Failed to load resource/.test(message.text())) complaints.push(message.text())
    })
    page.on('request', (request) => hosts.add(new URL(request.url()).host))
    await page.goto(url)
    return { page, complaints, hosts }
  }
}

/** Begins a conversation with this prompt. */
export async function begin(
  service: Pick<TestService, 'base' | 'folder'>,
  text: string,
  cwd = service.folder(),
  more: object = {},
): Promise<string> {
  const made = await call(`${service.base}/v1/conversations`, { method: 'POST', body: { cwd } })
  const id = String(made.json?.['conversation_id'])
  await call(`${service.base}/v1/conversations/${id}/messages`, { method: 'POST', body: { text, ...more } })
  return id
}
