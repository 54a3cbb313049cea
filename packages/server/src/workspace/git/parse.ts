import type { ChangeKind, Commit, FileDiff, GitFile, GitStatus } from '../../core/ports/git.ts'
import { unreadable } from './run.ts'

/** What Git writes for machines, as values. Pure. Texts are bytes here, one character each. */

const KINDS: Readonly<Record<string, ChangeKind>> = {
  A: 'added',
  D: 'deleted',
  M: 'modified',
  R: 'renamed',
  C: 'copied',
  T: 'type_changed',
  U: 'unmerged',
}

/** `git status --porcelain=v2 --branch -z`. */
export function parseStatus(stdout: Buffer, isCut: boolean): Omit<GitStatus, 'top'> {
  const records = stdout.toString('latin1').split('\0')
  // What follows the last NUL is nothing, or half a record.
  records.pop()
  const files: GitFile[] = []
  let branch: string | undefined
  let commit: string | undefined
  for (let n = 0; n < records.length; n++) {
    const record = records[n] ?? ''
    if (record.startsWith('# branch.head ')) branch = bytes(record.slice(14)).toString()
    if (record.startsWith('# branch.oid ')) commit = record.slice(13)
    if (record.startsWith('? ')) files.push({ path: pathOf(record.slice(2)), staged: undefined, unstaged: 'untracked' })
    const fields = FIELDS[record[0] ?? '']
    if (fields === undefined) continue
    const [, xy = '', ...rest] = record.split(' ')
    const isRenamed = record[0] === '2'
    // The old name is a record of its own.
    if (isRenamed) n++
    if (isRenamed && records[n] === undefined) break
    files.push({
      path: pathOf(rest.slice(fields - 2).join(' ')),
      ...(isRenamed && { oldPath: pathOf(records[n] ?? '') }),
      staged: record[0] === 'u' ? 'unmerged' : KINDS[xy[0] ?? ''],
      unstaged: record[0] === 'u' ? 'unmerged' : KINDS[xy[1] ?? ''],
    })
  }
  return {
    branch: branch === '(detached)' ? undefined : branch,
    commit: commit === '(initial)' ? undefined : commit,
    files,
    isCut,
  }
}

/** How many fields come before the path. */
const FIELDS: Readonly<Record<string, number>> = { '1': 8, '2': 9, u: 10 }

/**
 * `git diff --raw --numstat --patch`: a line for each file with what happened, a line for each with its numbers, then
 * all patches, in the same order. Names are quoted, so that none of them can look like another line.
 */
export function parseDiff(stdout: Buffer, isCut: boolean): FileDiff[] {
  const text = stdout.toString('latin1')
  const end = /^\n/m.exec(text)?.index ?? text.length
  const head = text.slice(0, end).split('\n')
  // The last line is empty, or half.
  head.pop()
  const numbers = head.filter((line) => !line.startsWith(':')).map((line) => line.split('\t', 2))
  const patches = splitPatches(text.slice(end + 1))
  let next = 0
  return head
    .filter((line) => line.startsWith(':'))
    .map((line, n): FileDiff => {
      const [facts = '', ...names] = line.split('\t')
      const [from = '', to = from] = names
      const status = KINDS[facts.split(' ')[4]?.[0] ?? ''] ?? 'modified'
      const header = `diff --git ${prefixed('a/', from)} ${prefixed('b/', to)}\n`
      const own = patches.slice(next, next + patchesOf(status)).filter((patch) => patch.startsWith(header))
      next += own.length
      // One that was cut off is worth less than none.
      const isWhole = own.length > 0 && !(isCut && next === patches.length)
      const [additions, deletions] = (numbers[n] ?? []).map(countOf)
      return {
        path: pathOf(unquoted(to)),
        oldPath: names.length > 1 ? pathOf(unquoted(from)) : undefined,
        status,
        additions,
        deletions,
        patch: isWhole ? bytes(own.join('')) : undefined,
      }
    })
}

/** A file that becomes a link has two: one goes, one comes. */
function patchesOf(status: ChangeKind): number {
  return status === 'unmerged' ? 0 : status === 'type_changed' ? 2 : 1
}

/** Undefined for what is no text. */
function countOf(number: string): number | undefined {
  return number === '-' ? undefined : Number(number)
}

/** In a patch every line of a file has a mark before it: only a header begins with `diff`. */
function splitPatches(text: string): string[] {
  return text
    .split(/^(?=diff --git )/m)
    .filter((patch) => patch.startsWith('diff --git '))
    .map((patch) => (patch.includes(UNMERGED) ? withoutUnmerged(patch) : patch))
}

/** Said between patches, in a line of its own, of a file that has none. */
const UNMERGED = '\n* Unmerged path '

function withoutUnmerged(patch: string): string {
  return patch
    .split('\n')
    .filter((line) => !line.startsWith(UNMERGED.slice(1)))
    .join('\n')
}

function prefixed(prefix: string, name: string): string {
  return name.startsWith('"') ? `"${prefix}${name.slice(1)}` : prefix + name
}

/** A name as Git quotes it: as in C, bytes beyond ASCII in octal. */
function unquoted(name: string): string {
  if (!name.startsWith('"')) return name
  return name.slice(1, -1).replaceAll(/\\([0-7]{3}|.)/g, (_, code: string) => {
    if (code.length === 3) return String.fromCharCode(Number.parseInt(code, 8))
    return ESCAPES[code] ?? code
  })
}

const ESCAPES: Readonly<Record<string, string>> = { a: '\x07', b: '\b', t: '\t', n: '\n', v: '\v', f: '\f', r: '\r' }

/** The fields of a commit, each in a line; its message, which may have many, comes last. */
export const COMMIT_FORMAT = '%H%n%P%n%an%n%ae%n%aI%n%cI%n%s%n%b'

/** `git log -z --format=COMMIT_FORMAT`. */
export function parseLog(stdout: Buffer, isCut: boolean): Commit[] {
  const records = stdout.toString().split('\0')
  const last = records.pop() ?? ''
  if (!isCut && last !== '') records.push(last)
  return records.map((record) => {
    const [id = '', parents = '', name = '', email = '', at = '', committedAt = '', subject = '', ...body] =
      record.split('\n')
    return {
      id,
      parents: parents.split(' ').filter((parent) => parent !== ''),
      author: { name, email, at },
      committedAt,
      subject,
      body: body.join('\n').trim(),
    }
  })
}

/** An index can be made by hand, with names that lead out of the folder: what Git read there is not shown. */
function pathOf(name: string): Buffer {
  if (name.startsWith('/') || name.split('/').includes('..'))
    throw unreadable('The repository names files outside of its folder.')
  return bytes(name)
}

function bytes(text: string): Buffer {
  return Buffer.from(text, 'latin1')
}
