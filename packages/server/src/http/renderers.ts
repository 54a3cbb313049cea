import { createHash } from 'node:crypto'
import type { Renderer } from '@claude-proxy/protocol/transcript/renderer'

/** What writes a transcript in a format, and the policy under which a browser may show it. */
export async function rendererFor(format: 'md' | 'html' | 'json'): Promise<{ renderer: Renderer; policy: string }> {
  const { createMarkdown, createHtml, createJson, STYLE } = await loadRenderers()
  const policy = policyFor(STYLE)
  const renderer = { md: createMarkdown, html: () => createHtml(policy), json: createJson }[format]()
  return { renderer, policy }
}

/** Loaded by the first who asks: every file is time at the start. */
async function loadRenderers() {
  const [{ createMarkdown }, { createHtml, STYLE }, { createJson }] = await Promise.all([
    import('@claude-proxy/protocol/transcript/markdown'),
    import('@claude-proxy/protocol/transcript/html'),
    import('@claude-proxy/protocol/transcript/json'),
  ])
  return { createMarkdown, createHtml, createJson, STYLE }
}

/** Nothing is loaded, nothing runs; the one look is known by its digest. */
function policyFor(style: string): string {
  const digest = createHash('sha256').update(style).digest('base64')
  return `default-src 'none'; style-src 'sha256-${digest}'; base-uri 'none'; form-action 'none'`
}
