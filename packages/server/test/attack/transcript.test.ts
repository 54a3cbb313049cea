import { chromium } from 'playwright-core'
import { expect, onTestFinished, test } from 'vitest'
import { post } from '../http/calls.ts'
import { EXECUTABLE } from '../support/chromium.ts'
import { type Answer, call, streamAll } from '../support/client.ts'
import { startTestService, type TestService } from '../support/service.ts'

/** A transcript holds what models, tools and strangers wrote, and is opened in a browser. */

const PAYLOADS = [
  '<script>document.title = "pwned"</script>',
  '</style></pre></div></details><script>document.title = "pwned"</script>',
  '--></title></textarea><img src=x onerror=\'document.title="pwned"\'>',
  '" autofocus onfocus=document.title="pwned" x="',
  '<a href="javascript:document.title=\'pwned\'">click</a>',
  '[click](javascript:document.title="pwned")',
  '<iframe src="data:text/html,<script>parent.document.title=1</script>"></iframe>',
  '<svg><style><img src=/healthz></style></svg>',
  '<meta http-equiv="refresh" content="0;url=https://evil.example/">',
  '<base href="https://evil.example/"><form action=/x><input autofocus>',
  '<link rel=stylesheet href=https://evil.example/x.css><style>*{display:none}</style>',
  '&lt;script&gt; &#60;script&#62; &amp;lt;',
  '\u0000<scr\u0000ipt>',
  'rm \u202e fdp.exe \u2066 \u200b \u200f',
]

async function hostileConversation(service: TestService): Promise<string> {
  const cwd = service.folder(`<img src=x onerror=alert(1)> & "co`)
  const body = { conversation_id: 'hostile', cwd }
  let after = 0
  for (const text of PAYLOADS) after = (await streamAll(service.base, { ...body, text }, after)).at(-1)?.id ?? 0
  const titled = await call(`${service.base}/v1/conversations/hostile`, {
    method: 'PATCH',
    body: { title: '</title><script>document.title="pwned"</script>' },
  })
  expect(titled.status).toBe(200)
  return `${service.base}/v1/conversations/hostile/transcript?format=html`
}

function expectHarmless({ text, headers }: Answer): void {
  expect(headers).toMatchObject({
    'content-type': 'text/html; charset=utf-8',
    'x-content-type-options': 'nosniff',
    'content-disposition': 'inline; filename="hostile.html"',
    'content-security-policy': expect.stringMatching(
      /^default-src 'none'; style-src 'sha256-[\w+/=]+'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox$/,
    ),
  })
  // Whatever has the form of a tag is one of ours, with attributes of ours.
  const tags = new Set((text.match(/<[^>]*>/g) ?? []).filter((tag) => !tag.startsWith('</')))
  for (const tag of tags)
    expect(tag).toMatch(
      /^<(!doctype html|html lang="en"|head|meta (charset|http-equiv|name)=[^>]*|title|style|body|header|h1|h2|p|br|main|section( class="[a-z]+")?|b( class="bad")?|small|div class="p" dir="auto"|pre|details|summary|code|i|footer)>$/,
    )
  expect(text.match(/<style>/g)).toHaveLength(1)
  expect(text).not.toMatch(/[\u202a-\u202e\u2066-\u2069\u200b\u200e\u200f]/)
  expect(text).not.toContain('\0')
  expect(text).toContain('<i>[U+202E]</i>')
}

test('hostile words stay words in the HTML of a transcript', async () => {
  await using service = await startTestService()
  const url = await hostileConversation(service)
  const answer = await call(url)
  expectHarmless(answer)
  for (const payload of PAYLOADS.slice(0, 3))
    expect(answer.text).toContain(
      payload.replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;').replaceAll("'", '&#39;'),
    )
  expect(service.complaints).toEqual([])
})

test.skipIf(EXECUTABLE === undefined).each(['from the service', 'from a file'])(
  'a real browser runs nothing of it, asks nobody, and shows it in its own look: %s',
  async (origin) => {
    await using service = await startTestService()
    const url = await hostileConversation(service)
    const browser = await chromium.launch({ executablePath: EXECUTABLE ?? '', args: ['--no-sandbox'] })
    onTestFinished(() => browser.close())
    const page = await browser.newPage()
    const asked: string[] = []
    const complaints: string[] = []
    page.on('request', (request) => asked.push(request.url()))
    page.on('console', (message) => complaints.push(message.text()))
    if (origin === 'from the service') await page.goto(url)
    else await page.setContent((await call(url)).text)
    expect(await page.title()).toBe('</title><script>document.title="pwned"</script>')
    expect(asked.filter((each) => each !== url)).toEqual([])
    // The look is ours, by its digest; nothing had to be refused.
    expect(complaints).toEqual([])
    // A page that may run no script answers none of ours either; what it shows can be measured.
    expect(await page.locator('script, iframe, img, a, form, link, base, svg').count()).toBe(0)
    expect(await page.locator('section.prompt').count()).toBe(PAYLOADS.length)
    expect((await page.locator('section.prompt .p').first().boundingBox())?.width).toBeGreaterThan(100)
  },
)

test('what a stranger can put into a transcript has a limit', async () => {
  await using service = await startTestService()
  const cwd = service.folder()
  const made = await post(service, '/v1/conversations', { cwd, conversation_id: 'large' })
  expect(made.status).toBe(200)
  const { length } = await streamAll(service.base, { conversation_id: 'large', cwd, text: '`'.repeat(3_000_000) })
  expect(length).toBeGreaterThan(1)
  const answer = await call(`${service.base}/v1/conversations/large/transcript`)
  expect(answer.text.length).toBeLessThan(1_000_000)
  expect(answer.text).toContain('2900000 characters left out')
})
