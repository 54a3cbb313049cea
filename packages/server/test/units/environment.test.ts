import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { agentEnvironment, hasCredentials, pinnedVariables } from '../../src/agents/claude/environment.ts'

it.each([
  'CLAUDE_PROXY_TOKEN',
  'GITHUB_TOKEN',
  'NPM_TOKEN',
  'DATABASE_URL',
  'OPENAI_API_KEY',
  'NODE_OPTIONS',
  'LD_PRELOAD',
  'CLAUDECODE',
  'CLAUDE_CODE_ENTRYPOINT',
  'MY_ANTHROPIC_API_KEY',
  'PATH2',
])('%s stays with the service', (name) => {
  expect(agentEnvironment({ [name]: 'secret' }, [])).not.toHaveProperty(name)
})

it.each([
  'PATH',
  'HOME',
  'LANG',
  'LC_ALL',
  'XDG_CONFIG_HOME',
  'https_proxy',
  'NO_PROXY',
  'ANTHROPIC_API_KEY',
  'ANTHROPIC_BASE_URL',
  'CLAUDE_CODE_OAUTH_TOKEN',
  'CLAUDE_CODE_USE_BEDROCK',
  'CLAUDE_CONFIG_DIR',
  'AWS_REGION',
  'SSH_AUTH_SOCK',
])('%s goes to the agent', (name) => {
  expect(agentEnvironment({ [name]: 'value' }, [])).toHaveProperty(name, 'value')
})

it('the operator can let more names through, and an unset one is not there', () => {
  const environment = agentEnvironment({ GITHUB_TOKEN: 'x', UNSET: undefined }, ['GITHUB_TOKEN', 'UNSET', 'MISSING'])
  expect(environment).toMatchObject({ GITHUB_TOKEN: 'x' })
  expect(Object.keys(environment)).not.toContain('UNSET')
  expect(Object.keys(environment)).not.toContain('MISSING')
})

it('what the service relies on cannot be changed from outside', () => {
  const given = { CLAUDE_CODE_EMIT_SESSION_STATE_EVENTS: '0', DISABLE_AUTOUPDATER: '' }
  expect(agentEnvironment(given, Object.keys(given))).toMatchObject({
    CLAUDE_CODE_EMIT_SESSION_STATE_EVENTS: '1',
    DISABLE_AUTOUPDATER: '1',
  })
})

it("a folder cannot change where requests go and whose key they carry: the operator's value, or none", () => {
  const environment = { ANTHROPIC_BASE_URL: 'https://here', HTTPS_PROXY: 'http://proxy', PATH: '/bin' }
  expect(pinnedVariables(environment)).toMatchObject({
    ANTHROPIC_BASE_URL: 'https://here',
    HTTPS_PROXY: 'http://proxy',
    ANTHROPIC_API_KEY: '',
    ANTHROPIC_AUTH_TOKEN: '',
    ANTHROPIC_CUSTOM_HEADERS: '',
    CLAUDE_CODE_USE_BEDROCK: '',
    NODE_TLS_REJECT_UNAUTHORIZED: '',
    https_proxy: '',
  })
  expect(pinnedVariables(environment)).not.toHaveProperty('PATH')
})

it.each([
  ['an API key', { ANTHROPIC_API_KEY: 'x' }, {}, true],
  ['an empty API key', { ANTHROPIC_API_KEY: '' }, {}, false],
  ['a token of a subscription', { CLAUDE_CODE_OAUTH_TOKEN: 'x' }, {}, true],
  ['a cloud', { CLAUDE_CODE_USE_VERTEX: '1' }, {}, true],
  ['a login', {}, { '.claude/.credentials.json': '{}' }, true],
  ['a helper of the user', {}, { '.claude/settings.json': '{"apiKeyHelper":"cat key"}' }, true],
  ['settings without a helper', {}, { '.claude/settings.json': '{"model":"x"}' }, false],
  ['a key in the configuration', {}, { '.claude.json': '{"primaryApiKey":"x"}' }, true],
  ['a broken file', {}, { '.claude/.credentials.json': 'oops' }, false],
  ['nothing', {}, {}, false],
])('with %s there is something to log in with: %4$s', async (_, variables, files, expected) => {
  const home = mkdtempSync(join(tmpdir(), 'environment-test-'))
  onTestFinished(() => rmSync(home, { recursive: true }))
  mkdirSync(join(home, '.claude'))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(home, name), text)
  expect(await hasCredentials({ HOME: home, ...variables }, 'linux')).toBe(expected)
  const moved = { HOME: '/nowhere', CLAUDE_CONFIG_DIR: join(home, '.claude'), ...variables }
  if (!('.claude.json' in files)) expect(await hasCredentials(moved, 'linux')).toBe(expected)
})
