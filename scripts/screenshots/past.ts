import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** What a month of work would have left in the sums of the usage. The same every time: pictures are compared. */
export function addPast(dataDir: string, folders: readonly string[], now: number): void {
  const db = new DatabaseSync(join(dataDir, 'claude-proxy.db'))
  const runs = db.prepare(
    "INSERT OR REPLACE INTO used (slot, c, folder, model, runs, succeeded, interrupted, duration_ms) VALUES (?, 0, ?, '', ?, ?, ?, ?)",
  )
  const tokens = db.prepare(
    `INSERT OR REPLACE INTO used (slot, c, folder, model, runs, input_tokens, output_tokens, cache_read_tokens,
      cache_creation_tokens, cost_usd) VALUES (?, 0, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  for (let day = 1; day < 30; day++) {
    const at = now - day * DAY_MS
    const isWeekend = [0, 6].includes(new Date(at).getUTCDay())
    folders.forEach((folder, nth) => {
      const many = isWeekend ? (day + nth) % 2 : 1 + ((day * 7 + nth * 5) % (9 - 2 * nth))
      if (many === 0) return
      const slot = Math.floor(at / QUARTER_MS)
      runs.run(slot, folder, many, many - (day % 6 === nth ? 1 : 0), day % 9 === nth ? 1 : 0, many * 210_000)
      const model = MODELS[(day + nth) % 5 === 0 ? 1 : 0]
      const input = many * 21_000
      tokens.run(slot, folder, model.name, many, input, many * 6100, input * 9, input, many * model.usd)
    })
  }
  db.close()
}

const DAY_MS = 86_400_000
const QUARTER_MS = 900_000
const MODELS = [
  { name: 'claude-opus-5-5', usd: 0.41 },
  { name: 'claude-haiku-5', usd: 0.06 },
] as const
