import type { Config } from '../config.ts'
import { importOriginal, type ImportReport } from '../core/import/import.ts'
import { createLog } from '../log.ts'
import { openSqliteStore } from '../store/sqlite/store.ts'
import { noteDone } from './operator.ts'
import { printable } from './printable.ts'

/** `claude-proxy import DIR`: takes in the data of the Python original and says what it found. */
export async function importDirectory(directory: string, config: Config): Promise<void> {
  const store = await openSqliteStore({ dataDir: config.dataDir, log: createLog(config.logLevel) })
  const counts = { imported: 0, known: 0, skipped: 0 }
  try {
    for await (const report of importOriginal(directory, { store, clock: { now: Date.now } })) {
      counts[report.outcome]++
      if (report.outcome === 'imported') {
        const detail = `${report.events} events`
        await noteDone(store, { action: 'import', conversation: report.id, detail })
      }
      process.stdout.write(`${describe(report)}\n`)
    }
  } finally {
    await store.close()
  }
  process.stdout.write(
    `${counts.imported} imported, ${counts.known} already there, ${counts.skipped} skipped, into ${config.dataDir}\n`,
  )
}

function describe(report: ImportReport): string {
  if (report.outcome === 'skipped') return `skipped   ${printable(report.id)}: ${printable(report.why)}`
  if (report.outcome === 'known') return `known     ${report.id}: is already there, nothing changed`
  const notes = report.findings.map(({ number, what }) => `\n          event ${number}: ${FINDINGS[what]}`)
  return `imported  ${report.id}: ${report.events} events${report.canonical ? ", its folder's conversation" : ''}${notes.join('')}`
}

const FINDINGS = {
  unreadable: 'the line could not be read; kept as a note',
  glued: 'several events stood in one line; they share the number',
  switch_notice: 'a stored switch notice became a note',
  closed: 'the last run had no end; it was closed',
}
