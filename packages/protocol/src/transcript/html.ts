import type { Renderer } from './renderer.ts'
import { joined, withUnseen } from './text.ts'
import type { Entry, What } from './turns.ts'
import { labelOf } from './words.ts'

/**
 * The transcript as one HTML file: no scripts, no links, nothing from elsewhere. `policy` is its Content-Security-Policy
 * and goes into the file, too, so that it holds where the file was saved.
 */
export function createHtml(policy: string): Renderer {
  let turn = 0

  return {
    head: ({ conversationId, title, folder, createdAt }) =>
      `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${escaped(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${inLine(title ?? conversationId)}</title>
<style>${STYLE}</style>
</head>
<body>
<header>
<h1>${inLine(title ?? 'Conversation')}</h1>
<p>${inLine(conversationId)}<br>${inLine(folder)}<br>${inLine(createdAt)}</p>
</header>
<main>
`,

    entry(entry) {
      const heading = entry.turn === turn ? '' : `<h2>Turn ${entry.turn}</h2>\n`
      turn = entry.turn
      return heading + article(entry)
    },

    foot: (last) => `</main>\n<footer>Up to event ${last}.</footer>\n</body>\n</html>\n`,
  }
}

/** The look of it; the policy names it by its digest. */
export const STYLE = `
:root{color-scheme:light dark;--line:#d5d5dc;--soft:#f4f4f7;--mute:#63636e;--own:#e6effc;--bad:#b3261e}
@media(prefers-color-scheme:dark){:root{--line:#3c3c45;--soft:#202026;--mute:#a3a3ae;--own:#1d2b40;--bad:#f2938c}}
body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:0 auto;padding:1rem}
h1{font-size:1.4rem;margin:0;overflow-wrap:anywhere}
h2{font-size:1rem;margin:2rem 0 .5rem;padding-top:.5rem;border-top:1px solid var(--line)}
header p,footer,small,.note,.end,.asked,.settled{color:var(--mute);font-size:.875rem}
header p{overflow-wrap:anywhere}
section{margin:.75rem 0}
section section{border-left:3px solid var(--line);padding-left:.75rem}
.p,pre{margin:.25rem 0;white-space:pre-wrap;overflow-wrap:anywhere}
pre{font:.8125rem/1.45 ui-monospace,monospace;background:var(--soft);padding:.5rem .75rem;border-radius:.5rem;max-height:30rem;overflow:auto}
.prompt .p{background:var(--own);padding:.5rem .75rem;border-radius:.5rem}
summary{cursor:pointer;overflow-wrap:anywhere}
summary code{font:.8125rem ui-monospace,monospace}
.bad{color:var(--bad)}
i{font-style:normal;color:var(--bad);border:1px solid;border-radius:3px;font-size:.75em;padding:0 2px}
`

function article({ seq, at, depth, what }: Entry): string {
  const isBad = (what.kind === 'outcome' || what.kind === 'end') && what.isError
  const marks = `<small>#${seq}${at === undefined ? '' : ` ${inLine(at)}`}</small>`
  const label = `<b${isBad ? ' class="bad"' : ''}>${inLine(labelOf(what))}</b>`
  const text = `<section class="${what.kind}">${bodyOf(what, label, marks)}</section>\n`
  return '<section>'.repeat(depth) + text.trimEnd() + '</section>'.repeat(depth) + '\n'
}

function bodyOf(what: What, label: string, marks: string): string {
  switch (what.kind) {
    case 'prompt':
    case 'answer':
    case 'note':
      return `${label} ${marks}<div class="p" dir="auto">${escaped(joined(what.text))}</div>`
    case 'call':
      return folded(`${label} <code>${inLine(what.summary)}</code> ${marks}`, joined(what.text))
    case 'thinking':
    case 'outcome':
      return folded(`${label} ${marks}`, joined(what.text))
    case 'asked':
      return `${label} <code>${inLine(what.summary)}</code> ${marks}`
    case 'settled':
      return `${label} ${marks}${what.message === undefined ? '' : `<pre>${escaped(joined(what.message))}</pre>`}`
    default:
      return `${label} ${marks}${what.text === undefined ? '' : `<div class="p" dir="auto">${escaped(joined(what.text))}</div>`}`
  }
}

function folded(summary: string, text: string): string {
  return text === '' ? summary : `<details><summary>${summary}</summary><pre>${escaped(text)}</pre></details>`
}

function inLine(text: string): string {
  return escaped(text.replaceAll(/\s+/g, ' ').slice(0, 300))
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** As text that is nothing but text, in an element or in an attribute. Unseen characters are shown, marked as ours. */
function escaped(text: string): string {
  const plain = text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '')
  return withUnseen(plain, (name) => `<i>${name}</i>`)
}
