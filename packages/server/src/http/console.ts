import type { IncomingMessage, ServerResponse } from 'node:http'
import { readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { AppError } from '@claude-proxy/protocol/errors'

/** The page for people: at `/`, and its files below `/console/`. It is no door: nobody programs against it. */
export interface ConsolePage {
  /** Whether a path is the page's. It is open where a token is set: the page asks for the token. */
  has(path: string): boolean
  answer(path: string, request: IncomingMessage, response: ServerResponse): Promise<void>
}

/** Serves what was built into `directory`. Nothing is read before somebody asks for it. */
export function createConsolePage(directory: string): ConsolePage {
  return {
    has: (path) => path === '/' || path.startsWith(FILES),
    async answer(path, { method = '' }, response) {
      if (method !== 'GET' && method !== 'HEAD') {
        response.setHeader('allow', 'GET')
        throw new AppError('method_not_allowed', `${path} takes GET, not ${method}.`)
      }
      const name = path === '/' ? 'index.html' : path.slice(FILES.length)
      const type = NAME.test(name) ? TYPES[extname(name)] : undefined
      if (type === undefined) throw nothingAt(path)
      const bytes = await readFile(join(directory, name)).catch(orMissing)
      if (bytes === undefined && path !== '/') throw nothingAt(path)
      response.setHeader('content-type', type)
      response.setHeader('content-security-policy', POLICY)
      response.setHeader('x-content-type-options', 'nosniff')
      response.setHeader('referrer-policy', 'no-referrer')
      // The page names its files by what is in them, so that only the page itself can be out of date.
      response.setHeader('cache-control', path === '/' ? 'no-cache' : 'public, max-age=31536000, immutable')
      response.end(bytes ?? UNBUILT)
    },
  }
}

const FILES = '/console/'
const NAME = /^[\w-]{1,100}\.[a-z]{1,20}$/

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.webmanifest': 'application/manifest+json',
}

/** It talks to this service, and to nobody else. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data: blob:",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const UNBUILT = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Agents</title>
<p>The service runs; this page is not built yet. Run <code>npm run build</code> and load it again.
<p>What the service can do is told at <a href="docs">docs</a>.`

function nothingAt(path: string): AppError {
  return new AppError('not_found', `There is nothing at ${path}.`)
}

function orMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}
