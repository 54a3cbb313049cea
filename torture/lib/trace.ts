import { spawnSync } from 'node:child_process'
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'

/** A system call that changes files, makes them durable, or tells somebody something. */
export interface Call {
  readonly name: string
  /** The path or socket that it is about. */
  readonly target: string
  readonly fd: number
  /** What is written. */
  readonly data: Buffer
  /** Where it is written, or the size that a file gets; undefined: where the descriptor stands. */
  readonly at: number | undefined
  /** The rest of its arguments, as strace shows them. */
  readonly more: string
  /** What it returned; NaN when it never did. */
  result: number
}

/** Calls of several threads overlap: what matters is what had ended before another one began. */
export interface Moment {
  readonly call: Call
  readonly is: 'begin' | 'end'
}

const CALLS =
  'openat,mkdir,mkdirat,unlink,unlinkat,rename,renameat,renameat2,link,symlink,' +
  'write,writev,pwrite64,pwritev,pwritev2,sendto,sendmsg,copy_file_range,sendfile,' +
  'ftruncate,truncate,fallocate,fsync,fdatasync,sync_file_range,mmap,io_uring_setup'

/** What a program is started through, so that its calls are written to `file`. It stays a child of ours (-D). */
export function traced(file: string): [command: string, ...args: string[]] {
  return ['strace', '-D', '-f', '-q', '-y', '--seccomp-bpf', '-s', '16777216', '-e', `trace=${CALLS}`, '-o', file]
}

/** Why nothing can be traced here; undefined when it can. */
export function whyNoTrace(file: string): string | undefined {
  const [command, ...args] = traced(file)
  const { error, status, stderr } = spawnSync(command, [...args, process.execPath, '--version'], { encoding: 'utf8' })
  if (error) return `there is no strace (${error.message})`
  return status === 0 ? undefined : `strace does not work: ${stderr.trim()}`
}

/** Reads what strace has written of a program that has ended. */
export async function readTrace(file: string): Promise<Moment[]> {
  // strace is nobody's child: it may still be writing.
  for (const end = performance.now() + 20_000; !(await isWhole(file)); await sleep(10))
    if (performance.now() > end) throw new Error('strace has not written down how the program ended')
  const moments: Moment[] = []
  const unfinished = new Map<string, Call>()
  for await (const line of createInterface({ input: createReadStream(file, 'latin1') })) {
    const space = line.indexOf(' ')
    const thread = line.slice(0, space)
    const text = line.slice(space).trimStart()
    if (text.startsWith('+++') || text.startsWith('---')) continue
    if (text.startsWith('<... ')) {
      const call = unfinished.get(thread)
      unfinished.delete(thread)
      if (call === undefined) throw new Error(`the trace ends a call that it has not begun: ${line.slice(0, 200)}`)
      call.result = resultOf(text)
      moments.push({ call, is: 'end' })
      continue
    }
    const call = parseCall(text)
    moments.push({ call, is: 'begin' })
    if (text.endsWith('<unfinished ...>')) unfinished.set(thread, call)
    else moments.push({ call, is: 'end' })
  }
  return moments
}

/** Whether the trace ends with the end of the thread that it begins with. */
async function isWhole(file: string): Promise<boolean> {
  await using handle = await open(file)
  const { size } = await handle.stat()
  const at = async (from: number) =>
    (await handle.read(Buffer.alloc(200), 0, 200, Math.max(0, from))).buffer.toString('latin1')
  const [first] = (await at(0)).split(' ')
  const last = (await at(size - 200)).split('\n').findLast((line) => line.includes('+++'))
  return last !== undefined && last.startsWith(`${first} `)
}

function parseCall(text: string): Call {
  const start = text.indexOf('(')
  const name = text.slice(0, start)
  const strings: Buffer[] = []
  // What is left without the strings can be read with simple patterns.
  let rest = ''
  let from = start + 1
  for (let quote = text.indexOf('"', from); quote >= 0; quote = text.indexOf('"', from)) {
    const end = endOfString(text, quote + 1)
    rest += `${text.slice(from, quote)}$`
    if (text.startsWith('...', end + 1)) throw new Error(`strace has cut a string of ${name} short`)
    strings.push(unescape(text.slice(quote + 1, end)))
    from = end + 1
  }
  rest += text.slice(from)
  const result = resultOf(text.slice(from))
  const args = rest.replace(/ = [^=]*$/, '').replace(/ <unfinished \.\.\.>$|\)$/, '')
  const byPath = /^(openat|mkdir|unlink|rename|link|symlink|truncate)/.test(name)
  const [, fd, target] = (name === 'mmap' ? /, (\d+)<(.*)>, / : /^(\d+)<(.*?)>/).exec(args) ?? []
  const numbers = /, (\d+)$/.exec(args)
  const hasPlace = name === 'pwrite64' || name === 'ftruncate'
  return {
    name,
    target: byPath ? (strings.shift()?.toString() ?? '') : (target ?? ''),
    fd: Number(fd ?? -1),
    data: Buffer.concat(strings),
    at: hasPlace ? Number(numbers?.[1]) : undefined,
    more: args,
    result,
  }
}

function resultOf(text: string): number {
  const found = / = (-?\d+)[^=]*$/.exec(text)?.[1]
  return found === undefined ? Number.NaN : Number(found)
}

function endOfString(text: string, from: number): number {
  for (let end = text.indexOf('"', from); end >= 0; end = text.indexOf('"', end + 1)) {
    let slashes = 0
    while (text[end - 1 - slashes] === '\\') slashes++
    if (slashes % 2 === 0) return end
  }
  throw new Error(`a string without an end: ${text.slice(from, from + 200)}`)
}

const LETTERS: Record<string, number> = { n: 10, t: 9, r: 13, v: 11, f: 12, '"': 34, '\\': 92 }

/** The bytes that strace shows like a string in C. */
function unescape(text: string): Buffer {
  const bytes = Buffer.allocUnsafe(text.length)
  let length = 0
  for (let n = 0; n < text.length; n++) {
    let byte = text.charCodeAt(n)
    if (byte === 92) {
      const octal = /^[0-7]{1,3}/.exec(text.slice(n + 1, n + 4))?.[0]
      const letter = text[++n] ?? ''
      if (octal !== undefined) {
        byte = Number.parseInt(octal, 8)
        n += octal.length - 1
      } else {
        const known = LETTERS[letter]
        if (known === undefined) throw new Error(`strace writes \\${letter}, whatever that is`)
        byte = known
      }
    }
    bytes[length++] = byte
  }
  return bytes.subarray(0, length)
}
