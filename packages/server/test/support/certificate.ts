import { execFileSync } from 'node:child_process'
import { chmodSync, renameSync } from 'node:fs'
import { join } from 'node:path'

/** A new certificate for 127.0.0.1 in `directory`, in place of the one before. */
export function newCertificate(directory: string): { cert: string; key: string } {
  const [cert, key] = [join(directory, 'cert.pem'), join(directory, 'key.pem')]
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost']
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']
  execFileSync('openssl', ['req', '-x509', ...kind, ...subject, '-keyout', `${key}.new`, '-out', `${cert}.new`], {
    stdio: 'ignore',
  })
  chmodSync(`${key}.new`, 0o600)
  renameSync(`${key}.new`, key)
  renameSync(`${cert}.new`, cert)
  return { cert, key }
}
