import { OPTIONS, SECRETS, type Settings } from '../config.ts'

/** `claude-proxy config`: every option as the service would have it, and where it was set. */
export function showConfig(settings: Settings): void {
  const rows = Object.entries(settings).map(([name, { value, origin }]) => [flagOf(name), shown(name, value), origin])
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  for (const [flag = '', value = '', origin = ''] of rows)
    process.stdout.write(`${flag.padEnd(widths[0] ?? 0)}  ${value.padEnd(widths[1] ?? 0)}  ${origin}\n`)
}

function flagOf(name: string): string {
  return OPTIONS[name as keyof typeof OPTIONS].flag
}

function shown(name: string, value: unknown): string {
  if (SECRETS.has(name) && value !== '') return '********'
  return Array.isArray(value) ? value.join(',') : String(value)
}
