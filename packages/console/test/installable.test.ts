import { expect, it } from 'vitest'
import { call } from '../../server/test/support/client.ts'
import { startTestService } from '../../server/test/support/service.ts'

interface Manifest {
  readonly start_url: string
  readonly display: string
  readonly icons: readonly { src: string; type: string; sizes: string; purpose?: string }[]
}

it('the page can be installed: its manifest leads to icons of the sizes that it names, small ones', async () => {
  await using service = await startTestService()
  const { text } = await call(`${service.base}/`)
  const place = new URL(/rel="manifest" href="([^"]+)"/.exec(text)?.[1] ?? '', `${service.base}/`)
  const manifest = (await call(place.href)).json as unknown as Manifest
  expect(new URL(manifest.start_url, place).href).toBe(`${service.base}/`)
  expect(manifest.display).toBe('standalone')
  const pictures = manifest.icons.filter(({ type }) => type === 'image/png')
  expect(pictures.map(({ sizes, purpose }) => [sizes, purpose])).toEqual([
    ['192x192', undefined],
    ['512x512', undefined],
    ['512x512', 'maskable'],
  ])
  const apple = /rel="apple-touch-icon" href="([^"]+)"/.exec(text)?.[1] ?? ''
  const all = pictures.map(({ src, sizes }) => [new URL(src, place), sizes] as const)
  for (const [address, sizes] of [...all, [new URL(apple, `${service.base}/`), '180x180'] as const]) {
    const response = await fetch(address)
    const bytes = Buffer.from(await response.arrayBuffer())
    expect(response.headers.get('content-type')).toBe('image/png')
    // A PNG says its size right behind its signature (PNG, section 11.2.1).
    expect(`${bytes.readUInt32BE(16)}x${bytes.readUInt32BE(20)}`).toBe(sizes)
    expect(bytes.length).toBeLessThan(20_000)
  }
})
