import { X509Certificate } from 'node:crypto'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { checkDoors, NO_HOST } from '../../config.ts'
import { readCertificate } from '../../http/certificate.ts'
import { checkPlace } from '../../http/unix-socket.ts'
import { versionAt } from '../../setup/health.ts'
import { reachOf } from '../../setup/reach.ts'
import { lookInto } from '../../store/sqlite/look.ts'
import { withToken } from '../token.ts'
import { error, type Finding, ok, type Patient, reason, warning } from './finding.ts'

/** How long before its end a certificate has to have been renewed: who renews it by itself does so a month before. */
const RENEW_DAYS = 14
const DAY_MS = 86_400_000

/** Who may come in, and how: the token, the certificate and the socket. */
export async function examineDoors(patient: Patient): Promise<Finding[]> {
  return [...(await examineToken(patient)), ...examineCertificate(patient), ...(await examineSocket(patient))]
}

async function examineToken({ config }: Patient): Promise<Finding[]> {
  try {
    const withIt = withToken(config)
    if (withIt.token !== '') return [ok('token', 'A token is set.')]
    checkDoors(withIt)
  } catch (cause) {
    return [error('token', reason(cause), 'Do that: until then the service does not start.')]
  }
  const { host, requireToken } = config
  if (!requireToken) {
    const who = host === NO_HOST ? 'its user' : 'every process of this machine'
    return [ok('token', `No token is asked for; ${who} may call.`)]
  }
  const names = await namesOfTokens(config)
  if (names.length > 0) return [ok('token', `A token is asked for; there are: ${names.join(', ')}.`)]
  const message = 'A token is asked for, and there is none that opens anything: nobody can come in.'
  return [error('token', message, 'claude-proxy token create NAME, with the same --data-dir')]
}

/** Those that have not expired. */
async function namesOfTokens({ store, dataDir }: Patient['config']): Promise<string[]> {
  if (store !== 'sqlite' || !existsSync(join(dataDir, 'claude-proxy.db'))) return []
  using look = lookInto(dataDir)
  const tokens = await look.tokens()
  return tokens.filter(({ expiresAt = Infinity }) => expiresAt > Date.now()).map(({ name }) => name)
}

function examineCertificate({ config: { tlsCert: cert, tlsKey: key } }: Patient): Finding[] {
  if (cert === '' && key === '') return []
  if (cert === '' || key === '')
    return [error('tls', 'TLS needs both, a certificate and its key.', '--tls-cert, --tls-key')]
  try {
    readCertificate({ cert, key })
  } catch (cause) {
    return [error('tls', reason(cause), 'The service does not start until it is.')]
  }
  const { validFromDate: from, validToDate: to } = new X509Certificate(readFileSync(cert))
  const remedy = `Renew it, and put it in place of ${cert}; the service reads it by itself.`
  const days = Math.floor((to.getTime() - Date.now()) / DAY_MS)
  const day = to.toISOString().slice(0, 10)
  if (from.getTime() > Date.now())
    return [
      error('tls', `The certificate ${cert} is not valid before ${from.toISOString()}.`, 'Check the clock, or wait.'),
    ]
  if (days < 0) return [error('tls', `The certificate ${cert} has ended on ${day}: clients refuse it.`, remedy)]
  if (days < RENEW_DAYS) return [warning('tls', `The certificate ${cert} ends in ${days} days, on ${day}.`, remedy)]
  return [ok('tls', `The certificate ends in ${days} days, on ${day}.`)]
}

async function examineSocket({ config, holder }: Patient): Promise<Finding[]> {
  if (config.socket === '') return []
  const path = resolve(config.socket)
  try {
    // Who looks may be root, and the service somebody else.
    checkPlace(path, statSync(config.dataDir, { throwIfNoEntry: false })?.uid)
  } catch (cause) {
    return [error('socket', reason(cause), 'Change that, or --socket.')]
  }
  const version = await versionAt(reachOf({ ...config, host: NO_HOST })).catch(() => undefined)
  if (version !== undefined && holder) return [ok('socket', `claude-proxy ${version} answers on ${path}.`)]
  if (version !== undefined)
    return [
      error('socket', `A claude-proxy with another data directory answers on ${path}.`, 'Choose another --socket.'),
    ]
  if (holder) {
    const remedy = 'Restart it with this --socket, and look as its user, whose alone the socket is.'
    return [warning('socket', `The service that runs does not answer on ${path}.`, remedy)]
  }
  return [ok('socket', `${path} can be listened on.`)]
}
