import { expect, test } from 'vitest'
import { encode } from 'uqr'
import { pairingUri, qrCode } from '../../src/cli/pairing.ts'

test('what a phone reads says where and who, whatever is in them', () => {
  const uri = new URL(pairingUri('https://agent.example:8787/a?b=c&d', 'cproxy_a-_b'))
  expect(uri.protocol).toBe('claude-proxy:')
  expect(uri.pathname).toBe('pair')
  expect(Object.fromEntries(uri.searchParams)).toEqual({
    url: 'https://agent.example:8787/a?b=c&d',
    token: 'cproxy_a-_b',
  })
})

test('the code in the terminal has every bit of it, dark on light', () => {
  const text = pairingUri('http://127.0.0.1:8787', `cproxy_${'x'.repeat(43)}`)
  const lines = qrCode(text).trimEnd().split('\n')
  const [before, after] = ['\u001B[30;107m', '\u001B[0m']
  for (const line of lines) expect(line.startsWith(before) && line.endsWith(after)).toBe(true)
  const rows = lines.flatMap((line) => {
    const cells = line.slice(before.length, -after.length).split('')
    return [cells.map((cell) => '▀█'.includes(cell)), cells.map((cell) => '▄█'.includes(cell))]
  })
  const { data } = encode(text, { border: 2 })
  expect(rows.slice(0, data.length)).toEqual(data)
})
