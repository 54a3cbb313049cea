import { posix } from 'node:path'

/**
 * What the files of each part may import, by the start of their path. Paths are seen from `packages/`; the first row
 * that fits a file counts. A file that fits none may not be there at all.
 */
const PARTS: [part: RegExp, mayImport: RegExp][] = [
  [/^protocol\/src\//, /^(zod$|protocol\/src\/)/],
  [/^client\/src\//, /^(protocol|client)\/src\//],
  [/^scripted-model\/src\//, /^(node:|@copilotkit\/aimock$|scripted-model\/src\/)/],
  // It runs in browsers, and knows of the service what the client's front door offers, and types of what travels.
  [
    /^console\/src\//,
    /^(preact(\/hooks)?|@preact\/signals|diff|dompurify|marked|highlight\.js\/lib\/.+|@claude-proxy\/client(\/view)?|(protocol|console)\/src\/.+)$/,
  ],
  [/^demo\/src\//, /^(node:|(demo|protocol|scripted-model)\/src\/)/],
  [
    /^server\/src\/core\//,
    /^(node:(?!(https?|http2|net|sqlite|child_process|cluster|worker_threads)$)|protocol\/src\/|server\/src\/core\/)/,
  ],
  [
    /^server\/src\/agents\/claude\//,
    below('agents/claude/', 'agents/queue.ts', 'agents/ends.ts', '@anthropic-ai/claude-agent-sdk'),
  ],
  [
    /^server\/src\/agents\/(?<folder>[^/]+\/|queue\.ts|ends\.ts)/,
    below('agents/FOLDER', 'agents/queue.ts', 'agents/ends.ts'),
  ],
  [/^server\/src\/store\/sqlite\//, below('store/sqlite/', 'node:sqlite')],
  [/^server\/src\/store\/(?<folder>[^/]+\/)/, below('store/FOLDER')],
  [/^server\/src\/workspace\//, below('workspace/')],
  [/^server\/src\/http\//, below('http/', 'hono/router', 'negotiator', 'zod')],
  [/^server\/src\/log\//, below('log/')],
  [/^server\/src\/tracing\//, below('tracing/', '@opentelemetry')],
  // They are a client like any other, beside what they know of this machine.
  [/^server\/src\/cli\/terminal\//, /^(node:(?!sqlite$)|@claude-proxy\/client(\/view)?$|(protocol|server)\/src\/)/],
  // The few that know several parts.
  [
    /^server\/src\/(main\.js|(service|chosen|log|config|random|version|cli\/((doctor|manual)\/)?[^/]+|setup\/.+)\.ts)$/,
    /^(node:(?!sqlite$)|pino$|uqr$|zod$|(protocol|server)\/src\/)/,
  ],
]

/** What of `source`, the text of `file`, goes against the arrows: a sentence for each. */
export function breaches(file: string, source: string): string[] {
  const row = PARTS.find(([part]) => part.test(file))
  if (!row) return [`${file} belongs to no part that has a rule`]
  const [part, mayImport] = row
  const folder = part.exec(file)?.groups?.['folder'] ?? ''
  const allowed = new RegExp(mayImport.source.replaceAll('FOLDER', folder))
  const bad = importsOf(file, source).filter((target) => !allowed.test(target))
  const found = bad.map((target) => `${file} may not import ${target}`)
  // The core has its surroundings and its time handed in.
  const own = file.startsWith('server/src/core/') ? (source.match(/process\.env|Date\.now\(|new Date\(\)/g) ?? []) : []
  // What is published alone takes nothing along: of the protocol it has types, which are gone when it runs.
  // The page shows what a run did to files by the code of the door that says so.
  const mayLive = file.startsWith('console/') ? '@claude-proxy/protocol/run-diff' : undefined
  const alive = /^(client|console)\//.test(file)
    ? (source.match(/^(?:import|export) (?!type\b)[^'"]*['"]@claude-proxy\/protocol\/[^'"]+/gm) ?? [])
    : []
  return [
    ...found,
    ...alive
      .filter((what) => mayLive === undefined || !what.endsWith(mayLive))
      .map((what) => `${file} may only import types: ${what}`),
    ...own.map((what) => `${file} may not use ${what}`),
  ]
}

/** Protocol, core, node's own modules but SQLite, and what is named: paths below `server/src/`, or packages. */
function below(...more: string[]): RegExp {
  const own = more.map((name) =>
    /^(agents|store|workspace|http|log|tracing)\//.test(name) ? `server/src/${name}` : `${name}(/|$)`,
  )
  return new RegExp(`^(node:(?!sqlite$)|protocol/src/|server/src/core/|${own.join('|')})`)
}

/** What a file imports or re-exports, types included: paths seen from `packages/`, or names of modules. */
function importsOf(file: string, source: string): string[] {
  const whole = source.matchAll(/^\s*(?:import|export)\s(?:[^'"=(]*\sfrom\s)?\s*['"]([^'"]+)['"]/gm)
  const later = source.matchAll(/\bimport\(\s*['"]([^'"]+)['"]/g)
  const named = [...whole, ...later].map(([, name = '']) => name)
  return named.map((name) => {
    if (name.startsWith('.')) return posix.join(posix.dirname(file), name)
    return name.replace(/^@claude-proxy\/(?!client\/)([^/]+)\/(.+)$/, '$1/src/$2.ts')
  })
}
