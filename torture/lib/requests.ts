import { type EndpointName, ENDPOINTS } from '@claude-proxy/protocol/endpoints'
import { fieldsOf, FILES, fittingJson, oddJson, schemaOf, type Subjects } from './generate.ts'
import type { Random } from './random.ts'
import type { RawRequest } from './raw.ts'

const DOORS = Object.keys(ENDPOINTS) as EndpointName[]

/** A request to one of the doors: framed as HTTP wants it, whatever is inside. */
export function makeRequest(random: Random, subjects: Subjects): RawRequest {
  const door = random.pick(DOORS)
  const endpoint = ENDPOINTS[door]
  const method = random.chance(0.92) ? endpoint.method : random.pick(METHODS)
  const target = targetOf(door, random, subjects)
  const version = random.chance(0.98) ? 'HTTP/1.1' : 'HTTP/1.0'
  const body = bodyOf(door, method, random, subjects)
  const lines = [`${method} ${target} ${version}`, ...headersOf(random), ...body.headers]
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
  const isEndless = 'isEndless' in endpoint && method === 'GET'
  return { bytes: Buffer.concat([head, body.bytes]), isHead: method === 'HEAD', isEndless }
}

/** CONNECT is not among them: what follows it is no HTTP any more. */
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND', 'M-SEARCH', 'QUERY']

/** Names in a path that try to be something else. */
const TRICKS = [
  '..',
  '.',
  '%2e%2e',
  '%2e%2e%2f%2e%2e%2fetc%2fpasswd',
  '..%5c..',
  '%00',
  'a%00b',
  '%0d%0aX-Injected:%201',
  '%0D%0A%0D%0A',
  '%E5%98%8A%E5%98%8DX-Injected:1',
  '%zz',
  '%',
  '%ff',
  '%C0%AE%C0%AE',
  '%E0%A4%A',
  '%u002e',
  '%25%30%64',
  '%252e%252e',
  '__proto__',
  'constructor',
  'hasOwnProperty',
  ':id',
  '*',
  'canonical',
  'activate',
  'x'.repeat(128),
  'x'.repeat(129),
  'x'.repeat(8000),
  '-x',
  '.x',
  'x;y=1',
  'x%20y',
  'x%2Fy',
  "x'--",
  '<script>',
  '%1b[31m',
]

function targetOf(door: EndpointName, random: Random, subjects: Subjects): string {
  const params = schemaOf(door, 'params')?.properties ?? {}
  const path = ENDPOINTS[door].path.replaceAll(/:(\w+)/g, (_, name: string) => {
    if (random.chance(0.4)) return random.pick(TRICKS)
    const schema = params[name]
    const fits = typeof schema === 'object' ? JSON.parse(fittingJson(schema, name, random, subjects)) : 'x'
    return encodeURIComponent(String(fits))
  })
  const bent = random.chance(0.93) ? path : bend(path, random)
  const query = queryOf(door, random, subjects)
  const whole = query === '' ? bent : `${bent}?${query}`
  return random.chance(0.02)
    ? random.pick(['http://localhost', 'http://evil.example', 'HTTP://x', '//x']) + whole
    : whole
}

function bend(path: string, random: Random): string {
  return random.pick([
    () => `${path}/`,
    () => path.replaceAll('/', '//'),
    () => path.toUpperCase(),
    () => path.replace('/', '/./'),
    () => `/x/..${path}`,
    () => path.replaceAll('a', '%61'),
    () => `${path}%20`,
    () => `${path}#x`,
    () => `${path};x`,
    () => path.replaceAll('/', '\\'),
    () => '*',
    () => `/${random.pick(TRICKS)}${path}`,
    () => `/${'a/'.repeat(2000)}`,
    () => path.slice(0, random.int(1, path.length)),
  ])()
}

function queryOf(door: EndpointName, random: Random, subjects: Subjects): string {
  const schema = schemaOf(door, 'query')
  if (!schema) return random.chance(0.95) ? '' : random.pick(QUERIES)
  const pairs = fieldsOf(schema, random, subjects).map(([name, json]) => {
    const odd = random.chance(0.25)
    const value = odd ? textOf(oddJson(random)) : textOf(json)
    return `${name}=${odd && random.chance(0.3) ? random.pick(TRICKS) : encodeURIComponent(value.toWellFormed())}`
  })
  if (random.chance(0.15)) pairs.push(random.pick(QUERIES))
  if (random.chance(0.1)) pairs.shift()
  return pairs.join(random.chance(0.98) ? '&' : ';').slice(0, 12_000)
}

const QUERIES = [
  '&&&',
  '=',
  '=x',
  'x',
  '%',
  '%=%',
  'cwd=%ff',
  'cwd=%00',
  'cwd=/&cwd=/',
  'cwd[]=/',
  '__proto__=x',
  '__proto__[x]=1',
  'constructor.prototype.x=1',
  'since=1e999',
  'since=-1',
  'since=999999999999999',
  'since=%D9%A1',
  'cwd=%2F%0d%0aX-Injected:1',
  'x='.repeat(3000),
]

/** The text that a JSON value stands for in a query. */
function textOf(json: string): string {
  try {
    const value: unknown = JSON.parse(json)
    return typeof value === 'string' ? value : json
  } catch {
    return json
  }
}

const HEADERS: readonly (() => string)[] = [
  () => 'Last-Event-ID: 0',
  () => 'Last-Event-ID: 999999999999999',
  () => 'Last-Event-ID: 1e9',
  () => 'Last-Event-ID: -1',
  () => 'Last-Event-ID: ',
  () => 'Last-Event-ID: 1\r\nLast-Event-ID: 2',
  () => 'Origin: http://evil.example',
  () => 'Origin: null',
  () => 'Origin: ',
  () => 'Sec-Fetch-Site: cross-site',
  () => 'Sec-Fetch-Site: \xff',
  () => 'Authorization: Bearer ',
  () => `Authorization: Bearer ${' '.repeat(5000)}x`,
  () => 'Authorization: Basic \xe4:\xf6',
  () => 'Accept-Encoding: gzip, br;q=0.5, *;q=0',
  () => 'Accept-Encoding: zstd',
  () => 'Accept-Encoding: identity;q=0, *;q=0',
  () => `Accept-Encoding: ${'a;q=0.1,'.repeat(1500)}`,
  () => 'Accept-Encoding: ;;;q=x,,',
  () => 'Accept: \t\t',
  () => 'Cookie: __proto__=1',
  () => 'X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Host: evil.example',
  () => 'Transfer-Encoding-X: chunked',
  () => 'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZQ==\r\nSec-WebSocket-Version: 13',
  () => 'Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__',
  () => 'Connection: close',
  () => 'Connection: keep-alive, close, x',
  () => 'TE: trailers',
  () => 'Range: bytes=0-0',
  () => 'If-None-Match: *',
  () => 'Referer: http://evil.example/',
  () => 'X-HTTP-Method-Override: DELETE',
  () => `X-Long: ${'x'.repeat(12_000)}`,
  () => Array.from({ length: 80 }, (_, n) => `X-${n}: ${n}`).join('\r\n'),
  () => 'Expect: 100-continue',
  () => '__proto__: x\r\nconstructor: y',
]

function headersOf(random: Random): string[] {
  const host = random.chance(0.95) ? 'Host: localhost' : random.pick(HOSTS)
  const more = random.chance(0.3)
    ? [random.pick(HEADERS)(), ...(random.chance(0.3) ? [random.pick(HEADERS)()] : [])]
    : []
  return [host, ...more]
}

const HOSTS = [
  'Host: evil.example',
  'Host: ',
  'Host: localhost@evil.example',
  'Host: 127.0.0.1:99999999',
  'Host: [::1',
  'Host: a b',
  'Host: \xff\xfe',
  `Host: ${'a.'.repeat(2000)}`,
  'X-No-Host: 1',
]

const TYPES = [
  'application/x-www-form-urlencoded',
  'text/plain',
  'multipart/form-data; boundary=x',
  'application/json; charset=utf-16',
  'APPLICATION/JSON',
  'application/x+json',
  ';',
  '',
  'application/json\r\nContent-Type: text/plain',
]

interface Body {
  readonly headers: readonly string[]
  readonly bytes: Buffer
}

function bodyOf(door: EndpointName, method: string, random: Random, subjects: Subjects): Body {
  const schema = schemaOf(door, 'body')
  if ('isFile' in ENDPOINTS[door] && random.chance(0.9))
    return framed(fileBytes(random), random.pick(FILE_TYPES), random)
  if (schema === undefined && random.chance(0.95)) {
    return { headers: method === 'GET' || method === 'HEAD' ? [] : ['Content-Length: 0'], bytes: Buffer.alloc(0) }
  }
  const bytes = schema ? bodyBytes(schema, random, subjects) : Buffer.from(oddJson(random))
  return framed(bytes, random.chance(0.95) ? 'application/json' : random.pick(TYPES), random)
}

function framed(bytes: Buffer, type: string, random: Random): Body {
  const isChunked = random.chance(0.15)
  const framing = isChunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${bytes.length}`
  return { headers: [`Content-Type: ${type}`, framing], bytes: isChunked ? inChunks(bytes, random) : bytes }
}

const FILE_TYPES = [...TYPES, 'image/png', 'image/svg+xml', 'text/html', 'application/octet-stream']

/** A file that can be taken, or one that something is wrong with. */
function fileBytes(random: Random): Buffer {
  const file = random.pick(FILES)
  if (random.chance(0.4)) return file
  const bent = Buffer.concat([file, Buffer.alloc(random.pick([0, 1, 3000]), random.int(0, 255))])
  bent[random.int(0, bent.length - 1)] = random.int(0, 255)
  return bent.subarray(0, random.int(0, bent.length))
}

function bodyBytes(schema: NonNullable<ReturnType<typeof schemaOf>>, random: Random, subjects: Subjects): Buffer {
  if (random.chance(0.06)) return Buffer.from(oddJson(random))
  if (random.chance(0.004)) return Buffer.alloc(random.pick([MOST_BYTES, MOST_BYTES + 1, 2 * MOST_BYTES]), ' ')
  const fields = fieldsOf(schema, random, subjects)
  for (let n = random.pick([0, 1, 1, 1, 2, 5]); n > 0; n--) mutate(fields, schema, random)
  const text = `{${fields.map(([name, json]) => `${JSON.stringify(name)}:${json}`).join(',')}}`
  const bytes = Buffer.from(text)
  if (random.chance(0.03)) return bytes.subarray(0, random.int(0, bytes.length))
  if (random.chance(0.03) && bytes.length > 0)
    bytes[random.int(0, bytes.length - 1)] = random.pick([0, 0x80, 0xff, 0xc0])
  return bytes
}

/** The largest body that the fuzzed service takes. */
export const MOST_BYTES = 128 * 1024

function mutate(fields: [name: string, json: string][], schema: { properties?: object }, random: Random): void {
  const at = random.int(0, Math.max(0, fields.length - 1))
  const field = fields[at]
  const any = random.pick([...Object.keys(schema.properties ?? {}), ...SYNONYMS])
  random.pick<() => void>([
    () => field && (field[1] = oddJson(random)),
    () => field && (field[1] = oddJson(random)),
    () => void fields.splice(at, 1),
    () => void fields.push([any, oddJson(random)]),
    () => void fields.push([field?.[0] ?? any, oddJson(random)]),
    () =>
      void fields.unshift([
        random.pick(['__proto__', 'constructor', 'toString', '', '\0', 'x'.repeat(300)]),
        oddJson(random),
      ]),
    () => field && (field[1] = `[${field[1]}]`),
    () => field && (field[1] = `${random.pick([' ', '\n', '\ufeff', '/**/', '\0'])}${field[1]}`),
  ])()
}

const SYNONYMS = ['prompt', 'session_id', 'agent_id', 'extra_args', 'env', 'hooks']

/** The same bytes in chunks of any size, with extensions and trailers that mean nothing. */
function inChunks(bytes: Buffer, random: Random): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; at < bytes.length;) {
    const size = Math.min(bytes.length - at, random.pick([1, 2, 7, 100, 5000, 1_000_000]))
    if (parts.length > 600) return Buffer.concat([...parts, chunk(bytes.subarray(at)), END])
    parts.push(chunk(bytes.subarray(at, at + size), random.chance(0.1) ? ';x=y;z="a b"' : ''))
    at += size
  }
  return Buffer.concat([
    ...parts,
    random.chance(0.1) ? Buffer.from('0\r\nX-Trailer: 1\r\nContent-Length: 5\r\n\r\n') : END,
  ])
}

const END = Buffer.from('0\r\n\r\n')

function chunk(bytes: Buffer, extension = ''): Buffer {
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}${extension}\r\n`), bytes, Buffer.from('\r\n')])
}
