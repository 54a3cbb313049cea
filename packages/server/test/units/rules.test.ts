import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { matches, rulesFor, verdict } from '../../src/core/approvals/rules.ts'
import type { PermissionRequest } from '../../src/core/ports/agent.ts'

const approvals = (allow: string[], deny: string[] = []) => ({ toolApprovals: { allow, deny } })
const allowed = (...allowedTools: string[]) => ({ allowedTools })

it.each([
  ['nothing is said', {}, 'Write', '', 'ask'],
  ['the lists are empty', approvals([]), 'Write', '', 'ask'],
  ['the tool is allowed', approvals(['Write']), 'Write', '', 'allow'],
  ['another is allowed', approvals(['Write']), 'Edit', '', 'ask'],
  ['it is spelled otherwise', approvals([' wRITE ']), 'Write', '', 'allow'],
  ['all are allowed', approvals(['*']), 'Write', '', 'allow'],
  ['all are allowed, this one is denied', approvals(['*'], ['Write']), 'Write', '', 'allow'],
  ['all are allowed and denied', approvals(['*'], ['*']), 'Write', '', 'deny'],
  ['it is denied', approvals([], ['Write']), 'Write', '', 'deny'],
  ['it is allowed and denied', approvals(['Write'], ['Write']), 'Write', '', 'deny'],
  ['it is named as it once was', approvals(['Task']), 'Agent', '', 'allow'],
  ['it is denied as it once was', approvals(['*x'], ['task']), 'Agent', '', 'deny'],
  ['the approvals know nothing of it', { ...approvals([]), allowedTools: ['Write'] }, 'Write', '', 'ask'],
  ['it is in allowed_tools', allowed('Read', 'Write'), 'Write', '', 'allow'],
  ['it is in allowed_tools with (*)', allowed('Write(*)'), 'Write', '', 'allow'],
  ['a path is in allowed_tools', allowed('Write(src/**)'), 'Write', 'src/a', 'ask'],
  ['the command is there', allowed('Bash(npm test)'), 'Bash', 'npm test', 'allow'],
  ['the command is longer', allowed('Bash(npm test)'), 'Bash', 'npm test -w', 'ask'],
  ['the command begins so', allowed('Bash(npm test:*)'), 'Bash', 'npm test -w', 'allow'],
  ['the command is the beginning', allowed('Bash(npm test:*)'), 'Bash', 'npm test', 'allow'],
  ['the word only begins so', allowed('Bash(npm test:*)'), 'Bash', 'npm tests', 'ask'],
  ['a blank ends the beginning', allowed('Bash(git *)'), 'Bash', 'git log', 'allow'],
  ['another command follows', allowed('Bash(git:*)'), 'Bash', 'git log; rm -rf .', 'ask'],
  ['the server is there', allowed('mcp__files'), 'mcp__files__read', '', 'allow'],
  ['the server is there with *', allowed('mcp__files__*'), 'mcp__files__read', '', 'allow'],
  ['the server is named alike', allowed('mcp__files'), 'mcp__filesystem__read', '', 'ask'],
  ['its tool is there', allowed('mcp__files__read'), 'mcp__files__read', '', 'allow'],
  ['another of its tools is there', allowed('mcp__files__read'), 'mcp__files__write', '', 'ask'],
  ['another tool that begins so is there', allowed('mcp__files__read'), 'mcp__files__read__all', '', 'ask'],
  ['all servers are there', allowed('mcp__'), 'mcp__files__read', '', 'ask'],
  ['an asterisk is in allowed_tools', allowed('*'), 'Write', '', 'ask'],
])('when %s: %j, %s %s: %s', (_, rules, tool, command, expected) => {
  expect(verdict(rules, tool, { command })).toBe(expected)
})

const anyTool = fc.oneof(fc.string(), fc.constantFrom('Bash', 'Write', 'Agent', 'mcp__files__read', '*'))

it('deny * denies everything, whatever else the lists say', () => {
  const lists = fc.record({
    allow: fc.array(anyTool),
    before: fc.array(anyTool),
    after: fc.array(anyTool),
    tools: fc.array(anyTool),
  })
  fc.assert(
    fc.property(
      lists,
      anyTool,
      fc.dictionary(fc.string(), fc.string()),
      ({ allow, before, after, tools }, name, input) => {
        const rules = { ...approvals(allow, [...before, '*', ...after]), allowedTools: tools }
        expect(verdict(rules, name, input)).toBe('deny')
      },
    ),
  )
})

it('a rule with a beginning never lets a second command through', () => {
  const word = fc.stringMatching(/^[a-z./ -]{1,12}$/)
  const joint = fc.constantFrom(';', '&', '&&', '|', '||', '\n', '$(', '`', '<(', '>', '>>', '<<', '\\')
  fc.assert(
    fc.property(word, word, joint, word, fc.boolean(), (prefix, rest, join, second, blanks) => {
      const command = blanks ? `${prefix} ${rest} ${join} ${second}` : `${prefix} ${rest}${join}${second}`
      for (const rule of [`Bash(${prefix}:*)`, `Bash(${prefix}*)`, `Bash(${prefix} *)`])
        expect(verdict(allowed(rule), 'Bash', { command })).toBe('ask')
    }),
  )
})

it('a rule with a beginning lets through only what begins with it as whole words', () => {
  const word = fc.stringMatching(/^[a-z]{1,8}$/)
  fc.assert(
    fc.property(word, word, (prefix, more) => {
      expect(verdict(allowed(`Bash(${prefix}:*)`), 'Bash', { command: `${prefix} ${more}` })).toBe('allow')
      expect(verdict(allowed(`Bash(${prefix}:*)`), 'Bash', { command: `${prefix}${more}` })).toBe('ask')
      expect(verdict(allowed(`Bash(${prefix}:*)`), 'Write', { command: prefix })).toBe('ask')
    }),
  )
})

it('a Bash rule asks when there is no command to look at', () => {
  expect(verdict(allowed('Bash(ls:*)'), 'Bash', {})).toBe('ask')
  expect(verdict(allowed('Bash(ls:*)'), 'Bash', { command: ['ls'] })).toBe('ask')
})

describe('rules that a person keeps', () => {
  const call = (tool: string, input: Record<string, unknown>, suggested: object[] = []): PermissionRequest => ({
    kind: 'tool',
    tool,
    input,
    isRememberable: true,
    suggestions: suggested.map((suggestion) => JSON.stringify(suggestion)),
    blockedPath: undefined,
    toolUseId: undefined,
  })
  const add = (toolName: string, ruleContent?: string) => ({
    type: 'addRules',
    behavior: 'allow',
    destination: 'localSettings',
    rules: [{ toolName, ...(ruleContent !== undefined && { ruleContent }) }],
  })

  it.each([
    [call('Bash', { command: 'npm test' }, [add('Bash', 'npm test')]), ['Bash(npm test)']],
    [call('Bash', { command: 'npm test -w a' }, [add('Bash', 'npm test:*')]), ['Bash(npm test:*)']],
    // A suggestion that would not allow this call, or is a setting and no rule, is not offered.
    [
      call('Bash', { command: 'a && b' }, [add('Bash', 'a:*'), { type: 'setMode', mode: 'acceptEdits' }]),
      ['Bash(a && b)'],
    ],
    [call('Bash', { command: 'ls *' }), []],
    [call('Write', { file_path: '/w/a.txt', content: 'x' }), ['Write(/w/a.txt)']],
    [call('Read', { file_path: '/etc/hosts' }, [add('Read', '//etc/**')]), ['Read(//etc/**)']],
    [call('WebFetch', { url: 'https://example.com/a' }), ['WebFetch(domain:example.com)']],
    [call('WebFetch', { url: 'nowhere' }), []],
    [call('WebFetch', { url: 'file:///etc/passwd' }), []],
    [call('Write', { file_path: '/w/*', content: 'x' }), []],
    [call('mcp__files__read', { a: 1 }, [add('mcp__files__read')]), ['mcp__files__read']],
    [call('Agent', { prompt: 'x' }), []],
    [{ ...call('Bash', { command: 'npm test' }), isRememberable: false }, []],
    [{ ...call('AskUserQuestion', { questions: [] }), kind: 'question' as const }, []],
  ])('for %j, "always" would keep %j', (request, rules) => {
    expect(rulesFor(request)).toEqual(rules)
    for (const rule of rules) expect(matches(rule, request.tool, request.input)).toBe(true)
  })

  it.each([
    ['Bash(npm test)', 'Bash', { command: 'npm test; rm -rf /' }],
    ['Bash(npm test:*)', 'Bash', { command: 'npm test && curl x' }],
    ['Write(/w/a.txt)', 'Write', { file_path: '/w/b.txt' }],
    ['Write(/w/a.txt)', 'Edit', { file_path: '/w/a.txt' }],
    ['Read(//etc/**)', 'Read', { file_path: '/etc/../root/x' }],
    ['Read(//etc/**)', 'Read', { file_path: '/etcetera' }],
    ['WebFetch(domain:example.com)', 'WebFetch', { url: 'https://example.com.evil.org/' }],
    ['WebFetch(domain:)', 'WebFetch', { url: 'file:///etc/passwd' }],
    ['WebFetch(domain:)', 'WebFetch', { url: 'nowhere' }],
    ['(npm test)', 'Bash', { command: 'npm test' }],
    ['mcp__files__read', 'mcp__files__write', {}],
  ])('%s does not allow %s %j', (rule, tool, input) => {
    expect(matches(rule, tool, input)).toBe(false)
  })
})
