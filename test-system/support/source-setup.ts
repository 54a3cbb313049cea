import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { fetchRuntime, makeSource } from './source.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Holds the source, Node.js, and the releases that tests publish; what every box has at /mnt. */
    share: string
    /** The commit that is installed. */
    commit: string
  }
}

/** Lays ready what installations are made from, so that they need no network. */
export default function setup({ provide }: TestProject): () => void {
  const share = mkdtempSync(join(tmpdir(), 'claude-proxy-share-'))
  fetchRuntime(share)
  const { commit } = makeSource(share)
  provide('share', share)
  provide('commit', commit)
  return () => rmSync(share, { recursive: true })
}
