import { chmodSync, lstatSync, statSync, unlinkSync } from 'node:fs'
import { connect, type Server } from 'node:net'
import { dirname } from 'node:path'
import { expectPrivate } from './private-directory.ts'

/** What `sockaddr_un` has room for on Linux, less its end; macOS has four less. */
const LONGEST = process.platform === 'darwin' ? 103 : 107

/**
 * Makes sure that a socket can be made at `path`, and that nobody else can put one there. What an earlier service has left
 * behind is removed, if nobody listens to it any more; anything else stays, and is told of.
 */
export async function makeWay(path: string): Promise<void> {
  if (!checkPlace(path)) return
  if (await isAnswered(path)) throw new Error(`Something else listens on ${path}; stop it or choose another --socket.`)
  unlinkSync(path)
}

/** Throws what keeps a socket of the user `owner` from being made at `path`; else, whether one is there. */
export function checkPlace(path: string, owner = process.getuid?.()): boolean {
  if (Buffer.byteLength(path) > LONGEST) throw new Error(`The path of a socket may have ${LONGEST} bytes: ${path}`)
  expectDirectory(dirname(path))
  expectPrivate(dirname(path), owner)
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found && !found.isSocket()) throw new Error(`${path} is there already, and is no socket.`)
  return found !== undefined
}

/** Listens at `path`. It is its owner's alone from the first moment on. */
export function listenPrivately(server: Server, path: string, backlog: number): void {
  // The socket is made within the call: nobody else's file comes in between.
  const before = process.umask(0o177)
  try {
    server.listen({ path, backlog })
  } finally {
    process.umask(before)
  }
  server.once('listening', () => chmodSync(path, 0o600))
}

function expectDirectory(path: string): void {
  try {
    statSync(path)
  } catch (cause) {
    throw new Error(`The directory of the socket cannot be used: ${(cause as Error).message}`, { cause })
  }
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') resolve(false)
      else reject(new Error(`${path} cannot be looked at: ${error.message}`, { cause: error }))
    })
  })
}
