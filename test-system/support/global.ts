import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { type Box, openBox } from './box.ts'
import { INSTALL } from './install.ts'
import { fetchRuntime, makeSource } from './source.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** What every box has at /mnt: the source, Node.js, and the releases that tests publish. */
    share: string
    /** The commit that is installed. */
    commit: string
    /** What the first installation wrote, before it was taken back: its release lies ready. */
    layer: string
    /** What the first installation said. */
    said: string
  }
}

/** Installs once, on a machine that has never seen it; all boxes begin with what that wrote. */
export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const share = mkdtempSync(join(tmpdir(), 'claude-proxy-share-'))
  fetchRuntime(share)
  const { commit } = makeSource(share)
  const box = await openBox(share)
  // What is left open here would keep the tests from ending.
  const said = await installOnce(box).catch(async (error: unknown) => {
    await box[Symbol.asyncDispose]()
    throw error
  })
  await box.close()
  provide('share', share)
  provide('commit', commit)
  provide('layer', box.written)
  provide('said', said)
  return async () => {
    await box[Symbol.asyncDispose]()
    rmSync(share, { recursive: true })
  }
}

async function installOnce(box: Box): Promise<string> {
  const cache = execFileSync('npm', ['config', 'get', 'cache'], { encoding: 'utf8' }).trim()
  const said = await box.ok(`export npm_config_cache=${cache}; cat /mnt/source/install.sh | ${INSTALL} bash`)
  await box.ok('claude-proxy service uninstall')
  await box.ok('rm -rf /opt/claude-proxy/data /opt/claude-proxy/current /etc/claude-proxy.env')
  return said
}
