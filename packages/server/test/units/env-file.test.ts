import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { readEnvFile } from '../../src/cli/env-file.ts'

const directory = mkdtempSync(join(tmpdir(), 'claude-proxy-env-'))
const FILE = join(directory, 'x.env')
afterAll(() => rmSync(directory, { recursive: true }))

it.each([
  ['A=1', { A: '1' }],
  ['A=', { A: '' }],
  ['# Managed by CodeAgentsMobile\n\n  # A=0\nA=1\r\nB=2', { A: '1', B: '2' }],
  ['export A=1', { A: '1' }],
  ['A=sk-ant-x#y=z', { A: 'sk-ant-x#y=z' }],
  ['A=1 # one', { A: '1' }],
  ['A="a # b" # c', { A: 'a # b' }],
  ["A='it is'", { A: 'it is' }],
  ['A=it"s', { A: 'it"s' }],
  ['A="a # b" # "c"', { A: 'a # b' }],
  ['A=1\nA=2', { A: '2' }],
  ['A = 1', undefined],
  ['1A=1', undefined],
  ['A', undefined],
])('%j holds %j', (text, expected) => {
  writeFileSync(FILE, text)
  const read = () => Object.fromEntries([...(readEnvFile(FILE) ?? [])].map(([name, { value }]) => [name, value]))
  if (expected) expect(read()).toEqual(expected)
  else expect(read).toThrow(`${FILE}:1 is not KEY=value`)
})

it('knows the line of each variable', () => {
  writeFileSync(FILE, '# x\n\nA=1\nB=2\n')
  expect(readEnvFile(FILE)?.get('B')).toEqual({ value: '2', line: 4 })
})

it('there need not be one, but what is there has to be readable', () => {
  expect(readEnvFile(`${FILE}.none`)).toBeUndefined()
  expect(() => readEnvFile(tmpdir())).toThrow(/cannot be read/)
})
