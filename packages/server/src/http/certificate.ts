import { readFileSync, statSync } from 'node:fs'
import type { Server } from 'node:https'
import type { Log } from '../core/ports/outside.ts'

/** A certificate with its chain, and its key: two files in PEM. */
export interface CertificateFiles {
  readonly cert: string
  readonly key: string
}

/** How soon a certificate that was renewed is taken. */
const LOOK_MS = 5000

/** What they hold, checked to belong together. Throws a sentence for the operator. */
export function readCertificate({ cert, key }: CertificateFiles): { cert: Buffer; key: Buffer } {
  if (process.platform !== 'win32' && (orTell(() => statSync(key).mode) & 0o007) !== 0)
    throw new Error(`Other users of this machine can use the key in ${key}. Keep them out: chmod o= ${key}`)
  const files = { cert: orTell(() => readFileSync(cert)), key: orTell(() => readFileSync(key)) }
  // As the server would, which tells nothing but a code.
  const { createSecureContext } = process.getBuiltinModule('node:tls')
  try {
    createSecureContext(files)
  } catch (cause) {
    const why = (cause as Error).message
    throw new Error(`${cert} and ${key} are no certificate and its key in PEM: ${why}`, { cause })
  }
  return files
}

export interface FollowedCertificate extends Disposable {
  /** Reads it now, whether or not it has changed. */
  read(): void
}

/** Has new connections get what the files hold from now on, whenever they change. One that is no good is told of. */
export function followCertificate(server: Server, files: CertificateFiles, log: Log): FollowedCertificate {
  let known = markOf(files)
  function read(): void {
    known = markOf(files)
    try {
      server.setSecureContext({ ...readCertificate(files), minVersion: 'TLSv1.2' })
      log.info('the certificate was read again', { cert: files.cert })
    } catch (error) {
      log.error('the certificate has changed, and cannot be used; the one before stays', { error })
    }
  }
  // Not by notices of the file system: they are lost where a directory is swapped, as certbot and Kubernetes do.
  const looks = setInterval(() => {
    if (markOf(files) !== known) read()
  }, LOOK_MS).unref()
  return { read, [Symbol.dispose]: () => clearInterval(looks) }
}

/** Changes when one of the files does, or another is put in its place. */
function markOf({ cert, key }: CertificateFiles): string {
  const marks = [cert, key].map((file) => {
    try {
      const { ino, mtimeNs, size } = statSync(file, { bigint: true })
      return `${ino} ${mtimeNs} ${size}`
    } catch (error) {
      // Nobody catches what is thrown here. Why it cannot be read is told when it is read.
      return (error as NodeJS.ErrnoException).code
    }
  })
  return marks.join('; ')
}

function orTell<T>(work: () => T): T {
  try {
    return work()
  } catch (cause) {
    throw new Error(`The certificate cannot be read: ${(cause as Error).message}`, { cause })
  }
}
