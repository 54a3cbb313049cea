import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { ConfigError, describeOptions, OPTIONS, readConfig, readSettings } from '../../src/config.ts'

it('without flags and variables everything has its default', () => {
  expect(readConfig([], {})).toEqual(
    Object.fromEntries(Object.entries(OPTIONS).map(([name, { fallback }]) => [name, fallback])),
  )
})

it('a flag wins over the environment, the environment over the default', () => {
  expect(readConfig([], {}).port).toBe(8787)
  expect(readConfig([], { CLAUDE_PROXY_PORT: '1' }).port).toBe(1)
  expect(readConfig(['--port', '2'], { CLAUDE_PROXY_PORT: '1' }).port).toBe(2)
  expect(readConfig(['--port=0'], { CLAUDE_PROXY_PORT: '1' }).port).toBe(0)
})

it('a bad variable does not matter when a flag overrides it', () => {
  expect(readConfig(['--port', '2'], { CLAUDE_PROXY_PORT: 'x' }).port).toBe(2)
})

it('an empty variable counts as unset, an empty flag does not', () => {
  expect(readConfig([], { CLAUDE_PROXY_ALLOWED_ROOTS: '', CLAUDE_PROXY_PORT: '' })).toMatchObject({ port: 8787 })
  expect(readConfig(['--token='], { CLAUDE_PROXY_TOKEN: 'x' }).token).toBe('')
  expect(() => readConfig(['--port='], {})).toThrow(/^--port= cannot be used/)
})

it('lists are separated by commas; blanks and empty items do not count', () => {
  expect(readConfig(['--allowed-roots', ' /a, ,/b,'], {}).allowedRoots).toEqual(['/a', '/b'])
})

it.each([
  ['yes', true],
  ['TRUE', true],
  ['1', true],
  ['no', false],
  ['0', false],
  ['False', false],
])('%s is a way to say %s', (text, expected) => {
  expect(readConfig(['--allow-bypass', text], {}).allowBypass).toBe(expected)
})

it.each([
  [['--port', '70000'], {}, '--port=70000'],
  [['--port', '-1'], {}, '--port'],
  [['--port', '1e3'], {}, '--port=1e3'],
  [['--max-processes', '0'], {}, '--max-processes=0'],
  [['--allow-bypass', 'maybe'], {}, '--allow-bypass=maybe'],
  [['--agent', 'gpt'], {}, '--agent=gpt'],
  [['--log-level', 'loud'], {}, '--log-level=loud'],
  [['--prot', '1'], {}, '--prot'],
  [['--port'], {}, '--port'],
  [['serve'], {}, 'serve'],
  [[], { CLAUDE_PROXY_PORT: 'x' }, 'CLAUDE_PROXY_PORT=x'],
  [[], { CLAUDE_PROXY_WARM_SECONDS: '1.5' }, 'CLAUDE_PROXY_WARM_SECONDS=1.5'],
])('%j with %j is refused with a sentence that names %s', (args, environment, named) => {
  expect(() => readConfig(args, environment)).toThrow(ConfigError)
  expect(() => readConfig(args, environment)).toThrow(named)
})

it('every option says where it was set', () => {
  const environment = { CLAUDE_PROXY_MAX_WARM: '2', CLAUDE_PROXY_PREPARE: 'yes' }
  const lines = new Map([['CLAUDE_PROXY_PREPARE', '/etc/claude-proxy.env:3']])
  expect(readSettings(['--port', '1'], environment, lines)).toMatchObject({
    port: { value: 1, origin: '--port' },
    maxWarm: { value: 2, origin: 'CLAUDE_PROXY_MAX_WARM' },
    prepare: { value: true, origin: '/etc/claude-proxy.env:3: CLAUDE_PROXY_PREPARE' },
    host: { value: '127.0.0.1', origin: 'default' },
  })
})

it('a variable of ours that is none is refused, with the line to fix; those of others are not', () => {
  const lines = new Map([['CLAUDE_PROXY_PROT', '/etc/claude-proxy.env:7']])
  expect(() => readConfig([], { CLAUDE_PROXY_PROT: '1' }, lines)).toThrow(
    /^\/etc\/claude-proxy\.env:7: CLAUDE_PROXY_PROT is/,
  )
  expect(() => readConfig([], { CLAUDE_PROXY_PORTS: '1' })).toThrow(/^CLAUDE_PROXY_PORTS is not an option/)
  expect(readConfig([], { CLAUDE_PROXY_UPDATE_INTERVAL_SECONDS: '600', OTHER: 'x' }).port).toBe(8787)
})

it('a bad value from a file is refused with its line', () => {
  const lines = new Map([['CLAUDE_PROXY_PORT', '/x.env:2']])
  expect(() => readConfig([], { CLAUDE_PROXY_PORT: 'x' }, lines)).toThrow(
    /^\/x\.env:2: CLAUDE_PROXY_PORT=x cannot be used/,
  )
})

it('every number that is allowed is taken as it is', () => {
  fc.assert(
    fc.property(fc.nat(65_535), (port) => {
      expect(readConfig(['--port', String(port)], {}).port).toBe(port)
      expect(readConfig([], { CLAUDE_PROXY_PORT: String(port) }).port).toBe(port)
    }),
  )
})

it('the help names every option with its flag, its variable and what it does', () => {
  const rows = describeOptions()
  expect(rows).toHaveLength(Object.keys(OPTIONS).length)
  for (const [flag = '', variable = '', , does] of rows) {
    expect(variable).toBe(`CLAUDE_PROXY_${flag.slice(2).toUpperCase().replaceAll('-', '_')}`)
    expect(does).toMatch(/\.$/)
  }
})
