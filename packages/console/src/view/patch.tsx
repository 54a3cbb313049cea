/** More lines than a person reads, and than a page draws at once. */
const MOST_LINES = 3000

/** The hunks of a change, as the other changes on this page look. */
export function Patch({ path, patch }: { path: string; patch: string }) {
  const lines = hunksOf(patch).replace(/\n$/, '').split('\n')
  return (
    <figure class="diff">
      <pre tabIndex={0} role="region" aria-label={`Change of ${path}`}>
        {lines.slice(0, MOST_LINES).map((line, at) => (
          <span key={at} class={classOf(line)}>
            {`${line}\n`}
          </span>
        ))}
        {lines.length > MOST_LINES && <span class="hunk">… {lines.length - MOST_LINES} more lines</span>}
      </pre>
    </figure>
  )
}

/** Git says in some lines before them which file it is. */
function hunksOf(patch: string): string {
  return patch.slice(Math.max(0, patch.search(/^@@/m)))
}

function classOf(line: string): string {
  return { '+': 'added', '-': 'removed', '@': 'hunk' }[line.charAt(0)] ?? ''
}
