import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Shell, shellOf } from './shell.ts'

/** Folders of their own, which an installation stays in: code, data, settings, command, and a supervisord. */
export interface Prefix extends AsyncDisposable, Shell {
  readonly root: string
  readonly envFile: string
  readonly port: number
  /** Where supervisord looks for programs. */
  readonly programs: string
}

/** `RUN_AS` of installations here: a user that every machine has, since none is to be made on this one. */
export const SOMEBODY = 'nobody'

export async function openPrefix(share: string): Promise<Prefix> {
  const root = mkdtempSync(join(tmpdir(), 'claude-proxy-prefix-'))
  // Who the service runs as has to come by.
  execFileSync('chmod', ['755', root])
  for (const name of ['etc/conf.d', 'bin', 'log', 'home']) mkdirSync(join(root, name), { recursive: true })
  const port = await freePort()
  const conf = join(root, 'etc/supervisord.conf')
  writeFileSync(conf, supervisordConf(root))
  const environment = {
    PATH: `${join(root, 'bin')}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
    HOME: join(root, 'home'),
    REPO_URL: join(share, 'source'),
    RUNTIME_FILES: join(share, 'runtime'),
    npm_config_offline: 'true',
    npm_config_cache: execFileSync('npm', ['config', 'get', 'cache'], { encoding: 'utf8' }).trim(),
    INSTALL_DIR: join(root, 'opt'),
    LOG_DIR: join(root, 'log'),
    ENV_FILE: join(root, 'etc/claude-proxy.env'),
    BIN_DIR: join(root, 'bin'),
    SERVICE_MANAGER: 'supervisord',
    SUPERVISORD_CONF: conf,
    CLAUDE_PROXY_PORT: String(port),
  }
  const prefix: Prefix = {
    root,
    envFile: environment.ENV_FILE,
    port,
    programs: join(root, 'etc/conf.d'),
    ...shellOf((args) => spawn('/bin/bash', [...args], { env: environment, cwd: root })),
    async [Symbol.asyncDispose]() {
      await prefix.sh(`supervisorctl -c ${conf} stop all; supervisorctl -c ${conf} shutdown`)
      await prefix.sh(`while test -e ${root}/supervisord.pid; do sleep 0.1; done`)
      rmSync(root, { recursive: true, force: true, maxRetries: 5 })
    },
  }
  return prefix
}

function supervisordConf(root: string): string {
  return `[unix_http_server]
file=${root}/supervisor.sock
[supervisord]
user=root
logfile=${root}/log/supervisord.log
pidfile=${root}/supervisord.pid
childlogdir=${root}/log
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://${root}/supervisor.sock
[include]
files=${root}/etc/conf.d/*.conf
`
}

/** For a moment nobody has it; somebody else of this machine could take it then. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  if (address === null || typeof address === 'string') throw new Error('it listens, and has no port')
  return address.port
}
