import childProcess from 'node:child_process'
import { syncBuiltinESMExports } from 'node:module'
import { fileURLToPath } from 'node:url'

// Loaded into the service with `--import`: where it would start Claude Code, it starts the bad agent. All else, the
// SDK, the tie to the service, the pipes, stays as it is.
const BAD = fileURLToPath(new URL('bad-agent.ts', import.meta.url))
const { spawn } = childProcess

childProcess.spawn = ((command: string, args: readonly string[], options: childProcess.SpawnOptions) => {
  const swapped = [command, ...args].flatMap((part) =>
    /\/claude(\.exe)?$/.test(part) ? [process.execPath, BAD] : part,
  )
  return spawn(swapped[0] ?? command, swapped.slice(1), options)
}) as typeof spawn
syncBuiltinESMExports()
