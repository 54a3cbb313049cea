import type { Random } from './random.ts'

/** Bytes that break the rules of HTTP, or go to their edges, on a connection of their own. */
export function makeMalformed(random: Random): Buffer {
  const bytes = Buffer.from(random.pick(KINDS)(random), 'latin1')
  if (random.chance(0.15)) return bytes.subarray(0, random.int(0, bytes.length))
  if (random.chance(0.15) && bytes.length > 0)
    bytes[random.int(0, Math.min(bytes.length, 400) - 1)] = random.int(0, 255)
  if (random.chance(0.1)) return Buffer.concat([Buffer.from(HEALTH), bytes])
  return bytes
}

const HEALTH = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n'
const STREAM = 'POST /v1/agent/stream HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n'
const get = (path: string, more = '', version = 'HTTP/1.1') =>
  `GET ${path} ${version}\r\nHost: localhost\r\n${more}\r\n`
const post = (framing: string, body: string) => `${STREAM}${framing}\r\n${body}`
const chunked = (body: string) => post('Transfer-Encoding: chunked\r\n', body)

const KINDS: readonly ((random: Random) => string)[] = [
  // Lengths and chunks that contradict themselves or each other (RFC 9112, section 6.3).
  () => post('Content-Length: 2\r\nTransfer-Encoding: chunked\r\n', `0\r\n\r\n${HEALTH}`),
  () => post('Transfer-Encoding: chunked\r\nContent-Length: 2\r\n', '{}'),
  () => post('Transfer-Encoding: chunked, identity\r\n', '0\r\n\r\n'),
  () => post('Transfer-Encoding: identity\r\nContent-Length: 2\r\n', '{}'),
  () => post('Transfer-Encoding: xchunked\r\n', '0\r\n\r\n'),
  () => post('Transfer-Encoding : chunked\r\n', '0\r\n\r\n'),
  () => post('Transfer-Encoding:\tchunked\r\n', '0\r\n\r\n'),
  () => post('Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n', '0\r\n\r\n'),
  () => post('Transfer-Encoding:\r\n chunked\r\n', '0\r\n\r\n'),
  () => post('Content-Length: 2\r\nContent-Length: 3\r\n', '{}'),
  () => post('Content-Length: 2, 2\r\n', '{}'),
  ({ pick }) =>
    post(`Content-Length: ${pick(['-1', '+2', '0x2', '2 ', ' 2', '1e3', '', '9'.repeat(30), '\0'])}\r\n`, '{}'),
  () => post('Content-Length: 4000\r\n', '{}'),
  () => post('Content-Length: 0\r\n', '{"left":"over"}'),
  () => post('', '{}'),
  ({ pick }) =>
    chunked(
      `${pick(['zz', '-1', '0x2', 'ffffffffffffffff', '1'.repeat(40), '', ' 2', '2 ', '\0'])}\r\n{}\r\n0\r\n\r\n`,
    ),
  () => chunked('2\n{}\n0\n\n'),
  () => chunked('2\r\n{}XX0\r\n\r\n'),
  () => chunked(`2;${'x'.repeat(20_000)}\r\n{}\r\n0\r\n\r\n`),
  () => chunked(`2\r\n{}\r\n0\r\n${'X-T: y\r\n'.repeat(3000)}\r\n`),
  () => chunked('2\r\n{}\r\n0\r\nbad trailer\r\n\r\n'),
  () => chunked(`40000\r\n${' '.repeat(0x40000)}\r\n0\r\n\r\n`),
  () => chunked(`7fffffff\r\n${' '.repeat(1000)}`),
  // Versions and first lines.
  () => get('/healthz', '', 'HTTP/1.0'),
  () => get('/healthz', '', 'HTTP/0.9'),
  () => get('/healthz', '', 'HTTP/2.0'),
  () => get('/healthz', '', 'HTTP/9.9'),
  () => get('/healthz', '', 'http/1.1'),
  () => get('/healthz', '', 'HTTP/1.1x'),
  () => 'GET /healthz\r\n\r\n',
  () => 'GET /healthz\r\n',
  () => 'GET\r\n\r\n',
  () => '\r\n\r\n\r\n\r\n',
  () => ' GET /healthz HTTP/1.1\r\n\r\n',
  () => `${'\r\n'.repeat(5000)}${HEALTH}`,
  () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0',
  () => '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
  () => 'CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n\x16\x03\x01',
  () => 'get /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n',
  ({ int }) => `${'A'.repeat(int(1, 40_000))} / HTTP/1.1\r\nHost: localhost\r\n\r\n`,
  () => get(`/${'x'.repeat(70_000)}`),
  () => get('/\0'),
  () => get('/\xff\xfe'),
  () => get('/a b'),
  () => get('healthz'),
  () => get('http://[::1/healthz'),
  () => get('http://user:pass@localhost/healthz'),
  () => get('ftp://localhost/healthz'),
  () => get('//localhost/healthz'),
  () => get('/healthz\r\nX-Injected: 1'),
  // Headers.
  ({ int }) => get('/healthz', `X: ${'x'.repeat(int(10_000, 200_000))}\r\n`),
  ({ int }) => get('/healthz', 'X-Many: y\r\n'.repeat(int(1000, 5000))),
  () => get('/healthz', 'A:\r\n'.repeat(2500)),
  () => get('/healthz', 'no colon\r\n'),
  () => get('/healthz', ': no name\r\n'),
  () => get('/healthz', 'X Y: z\r\n'),
  () => get('/healthz', ' folded: x\r\n'),
  () => get('/healthz', 'X: a\r\n b\r\n'),
  () => get('/healthz', 'X: a\rb\r\n'),
  () => get('/healthz', 'X: a\nY: b\r\n'),
  () => get('/healthz', 'X: a\0b\r\n'),
  () => get('/healthz', 'X\xff: a\r\n'),
  () => get('/healthz', 'Host: evil.example\r\n'),
  () => HEALTH.replaceAll('\r\n', '\n'),
  () => HEALTH.replaceAll('\r\n', '\r'),
  // What asks for another protocol, or for something first.
  () =>
    get(
      '/v1/agent/stream',
      'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n',
    ) + '\x81\x85\0\0\0\0hello',
  () =>
    get('/healthz', 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n') +
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  () => post('Expect: 100-continue\r\nContent-Length: 2\r\n', '{}'),
  () => post('Expect: a miracle\r\nContent-Length: 2\r\n', '{}'),
  () => post('Expect: 100-continue\r\nContent-Length: 99999999999\r\n', ''),
  // Garbage behind something sound.
  () => `${HEALTH}${HEALTH}\0\x01\x02`,
  () => `${HEALTH.repeat(300)}x`,
  () => `${get('/v1/conversations/canonical?cwd=/')}\x7f\x7f\r\n\r\n`,
  ({ int, next }) =>
    Array.from({ length: int(1, 3000) }, () => String.fromCodePoint(Math.floor(next() * 256))).join(''),
]
