/** How long ago, in as few letters as a list has room for. */
export function age(since: string, now: number): string {
  const seconds = Math.max(0, (now - Date.parse(since)) / 1000)
  if (seconds < 60) return 'now'
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h`
  return `${Math.floor(seconds / 86_400)} d`
}

export function money(usd: number): string {
  return `$${usd.toFixed(usd < 1 ? 3 : 2)}`
}

export const STATES = { idle: 'idle', running: 'running', waiting: 'needs you', failed: 'failed' } as const

/** A program by the name that a person knows it by: browsers say a lot more. */
export function whoIs(by: string): string {
  const browser = /\b(Firefox|Edg|OPR|Chrome|HeadlessChrome|Safari)\//.exec(by)?.[1]
  if (browser === undefined) return by
  const system = /Android|iPhone|iPad|Windows|Mac OS X|Linux/.exec(by)?.[0]
  const name = { Edg: 'Edge', OPR: 'Opera', HeadlessChrome: 'Chrome' }[browser] ?? browser
  return system === undefined ? name : `${name} on ${system.replace(' OS X', '')}`
}

/** A path as it is seen from the folder, if it lies in it; the folder is empty while it is not known. */
export function pathFrom(folder: string, path: string): string {
  return folder !== '' && path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : path
}

/** The one line that says what a tool call in a folder is about. */
export function gist(folder: string, tool: string, input: Readonly<Record<string, unknown>>): string {
  for (const field of [
    'command',
    'file_path',
    'path',
    'pattern',
    'url',
    'query',
    'description',
    'prompt',
    'notebook_path',
  ]) {
    const value = input[field]
    if (typeof value === 'string' && value !== '') return pathFrom(folder, value.split('\n', 1)[0] ?? '')
  }
  const [first] = Object.values(input)
  // Questions are the first thing in what asks them.
  const words: unknown = Array.isArray(first) ? Object(first[0])['question'] : first
  return typeof words === 'string' ? words.slice(0, 200) : tool
}
