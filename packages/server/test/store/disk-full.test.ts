import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { expect, it } from 'vitest'
import { startChild } from './child.ts'
import { temporaryDir, temporaryStore } from './temporary.ts'
import { allLines } from '../contract/samples.ts'
import { ConversationId } from '@claude-proxy/protocol/conversation-id'

// prlimit stands in for a full disk: files cannot grow beyond a limit, until it is lifted
it.runIf(process.platform === 'linux')(
  'a full disk refuses what it cannot store, keeps the rest readable, and all is well when there is room again',
  async () => {
    const dataDir = temporaryDir()
    const child = startChild('disk-full-child.ts', [dataDir])
    const next = async (): Promise<unknown> => JSON.parse(String((await once(child.lines, 'line'))[0]))
    expect(await next()).toEqual({ opened: true })
    limitFileSize(child.pid, 8_000_000)
    child.tell('go')
    const refused = await next()
    expect(refused).toMatchObject({ code: 'storage_unavailable', head: expect.any(Number), isReadable: true })
    limitFileSize(child.pid, 'unlimited')
    child.tell('go')
    const { head } = refused as { head: number }
    expect(await next()).toEqual({ status: 'stored', first: head + 1, last: head + 1 })
    await child.kill()

    const store = await temporaryStore(dataDir)
    const numbers = (await allLines(store, ConversationId.parse('c'))).map((line) => JSON.parse(line).n)
    expect(numbers).toEqual(Array.from({ length: head + 1 }, (_, index) => index + 1))
  },
)

function limitFileSize(pid: number | undefined, bytes: number | 'unlimited'): void {
  execFileSync('prlimit', ['--pid', String(pid), `--fsize=${bytes}:unlimited`])
}
