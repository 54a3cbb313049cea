import { lstatSync, realpathSync, type Stats } from 'node:fs'
import { dirname, resolve } from 'node:path'

/**
 * Throws where somebody else than `owner` and root could put another file in place of one in `directory`, or another
 * directory in place of it or of one above: as sshd's StrictModes. They could have our clients send them their tokens.
 */
export function expectPrivate(directory: string, owner: number | undefined): void {
  if (owner === undefined) return
  const real = realpathSync(directory)
  // By both names: a link on the way can be changed by whoever it belongs to.
  for (const each of new Set([...upFrom(real), ...upFrom(resolve(directory))])) check(each, lstatSync(each), owner)
  if ((lstatSync(real).mode & WRITABLE) === 0) return
  throw new Error(
    `Other users can put files into ${directory}, and so a socket of theirs while the service does not run: use a directory in it that is yours alone.`,
  )
}

/** By the group or by everybody. */
const WRITABLE = 0o022
/** Who can write the directory can still not rename or remove what belongs to somebody else: `/tmp`. */
const STICKY = 0o1000

function check(path: string, found: Stats, owner: number): void {
  if (found.uid !== 0 && found.uid !== owner)
    throw new Error(
      `${path} belongs to another user (${found.uid}), who can replace what is in it: put the socket elsewhere.`,
    )
  // What a link can be is always 0777.
  if (found.isSymbolicLink() || (found.mode & WRITABLE) === 0 || (found.mode & STICKY) !== 0) return
  throw new Error(`Other users can replace files in ${path}: put the socket elsewhere, or chmod go-w ${path}`)
}

/** The directory, and all above it. */
function* upFrom(directory: string): Generator<string> {
  for (let at = directory; ; at = dirname(at)) {
    yield at
    if (at === dirname(at)) return
  }
}
