/** One thing the scripted agent does. */
export type Directive =
  | { do: 'say'; text: string }
  /** `count` texts of about `size` bytes, `rate` a second (0: as fast as it goes), `burst` at once, after `delay` ms. */
  | { do: 'load'; count: number; rate: number; size: number; burst: number; delay: number }
  /** One text of `size` characters, shown in pieces of `chunk`, `every` so many ms, before it is said. */
  | { do: 'draft'; size: number; chunk: number; every: number }
  | { do: 'ask'; tool: string }
  /** Says that it has used so many tokens of its model, and what that has cost. */
  | { do: 'use'; input: number; output: number; usd: number }
  | { do: 'fail' }
  | { do: 'hang' }
  | { do: 'die' }

const LIMITS = {
  n: 10_000_000,
  rate: 1_000_000,
  size: 1_000_000,
  burst: 100_000,
  delay: 3_600_000,
  chunk: 100_000,
  every: 3_600_000,
}
type Setting = keyof typeof LIMITS
const DEFAULTS: Record<Setting, number> = { n: 1000, rate: 200, size: 300, burst: 1, delay: 0, chunk: 20, every: 20 }

/** What a prompt asks of the scripted agent, in order. A prompt without directives is repeated. */
export function parseDirectives(prompt: string): Directive[] {
  const found = [...prompt.matchAll(/@(load|draft|ask|use|fail|hang|die)\b([^@\n]*)/g)]
  if (found.length === 0) return [{ do: 'say', text: `I am a scripted agent, not a model. You said: ${prompt}` }]
  return found.map(([, name, settings = '']) => {
    if (name === 'load') return load(settings)
    if (name === 'draft') return draft(settings)
    if (name === 'ask') return { do: 'ask', tool: /\btool=(\S+)/.exec(settings)?.[1] ?? 'Bash' }
    if (name === 'use') return use(settings)
    return { do: name as 'fail' | 'hang' | 'die' }
  })
}

function use(text: string): Directive {
  const read = (found: RegExpExecArray | null) => Math.min(Number(found?.[1] ?? 0), LIMITS.n)
  return {
    do: 'use',
    input: read(/\binput=(\d+)/.exec(text)),
    output: read(/\boutput=(\d+)/.exec(text)),
    usd: read(/\busd=(\d+(?:\.\d+)?)/.exec(text)),
  }
}

function load(text: string): Directive {
  const read = (name: Setting) => setting(text, name)
  return {
    do: 'load',
    count: read('n'),
    rate: read('rate'),
    size: read('size'),
    burst: Math.max(1, read('burst')),
    delay: read('delay'),
  }
}

function draft(text: string): Directive {
  return {
    do: 'draft',
    size: setting(text, 'size'),
    chunk: Math.max(1, setting(text, 'chunk')),
    every: setting(text, 'every'),
  }
}

function setting(text: string, name: Setting): number {
  const given = new RegExp(String.raw`\b${name}=(\d+)`).exec(text)?.[1]
  return Math.min(given === undefined ? DEFAULTS[name] : Number(given), LIMITS[name])
}
