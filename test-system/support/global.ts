import { execFileSync } from 'node:child_process'
import type { TestProject } from 'vitest/node'
import { type Box, openBox } from './box.ts'
import { INSTALL } from './install.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** What the first installation wrote, before it was taken back: its release lies ready. */
    layer: string
    /** What the first installation said. */
    said: string
  }
}

/** Installs once, on a machine that has never seen it; all boxes begin with what that wrote. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const box = await openBox(project.getProvidedContext().share)
  // What is left open here would keep the tests from ending.
  const said = await installOnce(box).catch(async (error: unknown) => {
    await box[Symbol.asyncDispose]()
    throw error
  })
  await box.close()
  project.provide('layer', box.written)
  project.provide('said', said)
  return async () => box[Symbol.asyncDispose]()
}

async function installOnce(box: Box): Promise<string> {
  const cache = execFileSync('npm', ['config', 'get', 'cache'], { encoding: 'utf8' }).trim()
  const said = await box.ok(`export npm_config_cache=${cache}; cat /mnt/source/install.sh | ${INSTALL} bash`)
  await box.ok('claude-proxy service uninstall')
  await box.ok('rm -rf /opt/claude-proxy/data /opt/claude-proxy/current /etc/claude-proxy.env')
  return said
}
