import { access, mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { start, type Started } from '../lib/processes.ts'

/** A running nginx of our own: one worker, nothing logged, on loopback. */
export interface Nginx extends AsyncDisposable {
  readonly port: number
}

const PROGRAMS = ['/usr/sbin/nginx', '/usr/local/sbin/nginx', '/usr/bin/nginx', '/opt/homebrew/bin/nginx']
const NCHAN = ['/usr/lib/nginx/modules/ngx_nchan_module.so', '/usr/lib64/nginx/modules/ngx_nchan_module.so']
const START_MS = 10_000

/** Starts nginx with files to serve and, asked for, with nchan. Undefined where this machine has it not. */
export async function startNginx(
  scratch: string,
  { files, nchan = false }: { files?: string; nchan?: boolean },
): Promise<Nginx | undefined> {
  const program = await firstThere(PROGRAMS)
  const module = nchan ? await firstThere(NCHAN) : undefined
  if (program === undefined || (nchan && module === undefined)) return undefined
  const prefix = join(scratch, `nginx-${process.pid}-${++count}`)
  await mkdir(prefix, { recursive: true })
  const port = await freePort()
  await writeFile(join(prefix, 'nginx.conf'), configuration(port, { prefix, files, module }))
  const process_ = start(program, ['-p', prefix, '-c', join(prefix, 'nginx.conf'), '-e', 'stderr'])
  try {
    await answers(port, process_)
    return { port, [Symbol.asyncDispose]: () => process_[Symbol.asyncDispose]() }
  } catch (error) {
    await process_[Symbol.asyncDispose]()
    throw error
  }
}

let count = 0

function configuration(
  port: number,
  { prefix, files, module }: { prefix: string; files: string | undefined; module: string | undefined },
): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `  ${name}_temp_path ${prefix}/${name};`,
  )
  // A subscriber gets all of what was published, however far behind it is: as from us.
  const channel = `
    location /publish { nchan_publisher; nchan_channel_id $arg_id; nchan_message_buffer_length 1000000; nchan_message_timeout 0; }
    location /subscribe { nchan_subscriber eventsource; nchan_channel_id $arg_id; nchan_subscriber_first_message oldest; nchan_message_buffer_length 1000000; nchan_message_timeout 0; }`
  return `${module ? `load_module ${module};\n` : ''}${process.getuid?.() === 0 ? 'user root;\n' : ''}daemon off;
worker_processes 1;
worker_rlimit_nofile 16384;
pid ${prefix}/pid;
error_log stderr error;
events { worker_connections 16000; }
http {
${temporary.join('\n')}
  access_log off;
  sendfile on;
  tcp_nopush on;
  tcp_nodelay on;
  keepalive_requests 100000000;
  types { application/x-ndjson ndjson; text/event-stream sse; }
  ${module ? 'nchan_shared_memory_size 1024M;' : ''}
  server {
    listen 127.0.0.1:${port} backlog=4096;
    ${files ? `root ${files};` : ''}${module ? channel : ''}
  }
}
`
}

async function answers(port: number, nginx: Started): Promise<void> {
  const deadline = performance.now() + START_MS
  while (performance.now() < deadline) {
    const found = await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined)
    await found?.body?.cancel()
    if (found) return
    if (nginx.child.exitCode !== null) break
    await sleep(20)
  }
  throw new Error(`nginx does not answer\n${nginx.lastWords()}`)
}

async function firstThere(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    const there = await access(path).then(
      () => true,
      () => false,
    )
    if (there) return path
  }
  return undefined
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('there is no free port')
  return address.port
}
