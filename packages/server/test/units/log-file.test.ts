import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openLogFile } from '../../src/log/file.ts'
import { withoutSecrets } from '../../src/log/secrets.ts'
import { temporaryDir } from '../store/temporary.ts'

const fail = (error: unknown) => expect.fail(String(error))
const read = (file: string) => readFileSync(file, 'utf8')

describe('a log file', () => {
  it('is moved on when it is full, and no more than so many are kept, all lines of them whole', () => {
    const directory = temporaryDir()
    const file = join(directory, 'log')
    const { write } = openLogFile(file, { maxBytes: 100, files: 3 }, fail)
    for (let n = 0; n < 50; n++) write(`${String(n).padStart(39, '-')}\n`)
    expect(readdirSync(directory).toSorted()).toEqual(['log', 'log.1', 'log.2'])
    const kept = read(`${file}.2`) + read(`${file}.1`) + read(file)
    const lines = kept.trimEnd().split('\n')
    expect(lines.map((line) => Number(line.replaceAll('-', '')))).toEqual([44, 45, 46, 47, 48, 49])
    for (const name of readdirSync(directory)) {
      expect(statSync(join(directory, name)).size).toBeLessThanOrEqual(100)
      expect(statSync(join(directory, name)).mode & 0o777).toBe(0o600)
    }
  })

  it('goes on where an earlier start has ended', () => {
    const file = join(temporaryDir(), 'log')
    openLogFile(file, { maxBytes: 100, files: 2 }, fail).write(`${'a'.repeat(59)}\n`)
    const { write } = openLogFile(file, { maxBytes: 100, files: 2 }, fail)
    write(`${'b'.repeat(59)}\n`)
    expect(read(`${file}.1`)).toMatch(/^a+\n$/)
    expect(read(file)).toMatch(/^b+\n$/)
  })

  it('that is the only one begins again, and a line that is larger than a file is written whole', () => {
    const file = join(temporaryDir(), 'log')
    const { write } = openLogFile(file, { maxBytes: 10, files: 1 }, fail)
    write('first\n')
    write(`${'x'.repeat(50)}\n`)
    expect(read(file)).toBe(`${'x'.repeat(50)}\n`)
    expect(existsSync(`${file}.1`)).toBe(false)
  })

  it('that cannot be written is complained of once, and ends nothing', () => {
    const file = join(temporaryDir(), 'log')
    // Takes no byte: "no space left on device".
    symlinkSync('/dev/full', file)
    const complaints: unknown[] = []
    const { write } = openLogFile(file, { maxBytes: 100, files: 2 }, (error) => complaints.push(error))
    for (let n = 0; n < 5; n++) write('lost\n')
    expect(complaints).toHaveLength(1)
  })

  it('that cannot be moved on is complained of, and is written all the same', () => {
    const file = join(temporaryDir(), 'log')
    const complaints: unknown[] = []
    const { write } = openLogFile(file, { maxBytes: 10, files: 2 }, (error) => complaints.push(error))
    write('first\n')
    mkdirSync(`${file}.1`)
    writeFileSync(join(`${file}.1`, 'in the way'), '')
    write('second line\n')
    expect(complaints).toHaveLength(1)
    expect(read(file)).toContain('first')
  })
})

describe('secrets', () => {
  it('are left out of a line, by value, however JSON spells them, or by their looks', () => {
    const odd = 'se"cr\\et-ä-12345'
    const environment = { ANTHROPIC_API_KEY: 'key-1234567', X_TOKEN: odd, HOME: '/home/somebody', SHORT_KEY: 'abc' }
    const clean = withoutSecrets(environment, ['the-token-1'])
    const line = JSON.stringify({
      a: 'key-1234567 and more',
      b: odd,
      c: 'Authorization: Bearer the-other-token',
      d: 'sk-ant-api03-AAAA_bbbb-cccc',
      e: 'the-token-1',
      f: '/home/somebody abc',
    })
    expect(JSON.parse(clean(line))).toEqual({
      a: '[left out] and more',
      b: '[left out]',
      c: 'Authorization: [left out]',
      d: '[left out]',
      e: '[left out]',
      f: '/home/somebody abc',
    })
  })
})
