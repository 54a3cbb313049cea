/**
 * What a run did to files, as its events tell it. Pure. The tools that edit say what they changed; what commands did is
 * not known, and is said to be unknown.
 */
export interface RunDiff {
  readonly files: readonly FileChange[]
  /** Tools that may have changed files, too, how often each was called, and how often an edit did not say what it did. */
  readonly unknown: readonly { readonly tool: string; readonly calls: number }[]
  /** There was more than is kept: edits are missing, or whole files. */
  readonly isCut: boolean
}

export interface FileChange {
  readonly path: string
  /** Whether the run made it. */
  readonly isNew: boolean
  readonly additions: number
  readonly deletions: number
  readonly edits: readonly Edit[]
}

export interface Edit {
  /** The number of the event that tells of it. */
  readonly seq: number
  readonly tool: string
  /** Hunks of a unified diff, each against the file as the edit before it left it. */
  readonly patch: string
}

type Fields = Readonly<Record<string, unknown>>

/** These tell in their results what they changed. */
const EDITORS = new Set(['Edit', 'MultiEdit', 'Write', 'NotebookEdit'])
/** These change nothing. Any other tool may have. */
const HARMLESS = new Set([
  'Read',
  'Glob',
  'Grep',
  'LS',
  'TodoWrite',
  'WebFetch',
  'WebSearch',
  'ToolSearch',
  'AskUserQuestion',
  'ExitPlanMode',
  'Task',
  'Agent',
])

const MOST_FILES = 2000
const MOST_CHARACTERS = 4 * 1024 * 1024

interface OpenChange {
  isNew: boolean
  additions: number
  deletions: number
  readonly edits: Edit[]
}

/** Reads the events of a run in their order. */
export function createRunDiff() {
  const open = new Map<string, string>()
  const files = new Map<string, OpenChange>()
  const unknown = new Map<string, number>()
  let room = MOST_CHARACTERS
  let isCut = false

  return {
    take(seq: number, event: unknown): void {
      if (!isObject(event)) return
      for (const block of blocksOf(event)) {
        if (block['type'] === 'tool_use') noteCall(block)
        if (block['type'] === 'tool_result') noteResult(seq, block, event['tool_use_result'])
      }
    },

    result(): RunDiff {
      // What never had a result may have been cut off in the middle.
      for (const tool of open.values()) noteUnknown(tool)
      open.clear()
      return {
        files: [...files].map(([path, change]) => Object.assign({ path }, change)),
        unknown: [...unknown].map(([tool, calls]) => ({ tool, calls })),
        isCut,
      }
    },
  }

  function noteCall(block: Fields): void {
    const tool = String(block['name'])
    if (EDITORS.has(tool)) open.set(String(block['id']), tool)
    else if (!HARMLESS.has(tool)) noteUnknown(tool)
  }

  function noteResult(seq: number, block: Fields, told: unknown): void {
    const id = String(block['tool_use_id'])
    const tool = open.get(id)
    if (tool === undefined) return
    open.delete(id)
    // Refused, or it did not fit: nothing was changed.
    if (block['is_error'] === true) return
    const change = isObject(told) ? changeOf(told) : undefined
    if (!change) return noteUnknown(tool)
    if (!files.has(change.path) && files.size >= MOST_FILES) {
      isCut = true
      return
    }
    const file = files.get(change.path) ?? { isNew: change.isNew, additions: 0, deletions: 0, edits: [] }
    files.set(change.path, file)
    file.additions += count(change.lines, '+')
    file.deletions += count(change.lines, '-')
    const patch = change.lines.join('\n')
    room -= patch.length
    if (room < 0) isCut = true
    else file.edits.push({ seq, tool, patch })
  }

  function noteUnknown(tool: string): void {
    unknown.set(tool, (unknown.get(tool) ?? 0) + 1)
  }
}

interface Change {
  readonly path: string
  readonly isNew: boolean
  readonly lines: readonly string[]
}

/** What an editing tool tells beside the words for the agent. */
function changeOf(told: Fields): Change | undefined {
  const { filePath, notebook_path: notebook, type, content, structuredPatch: hunks } = told
  // A cell of a notebook: the whole cell is what changed.
  if (typeof notebook === 'string') {
    const lines = [...marked('-', told['old_source']), ...marked('+', told['new_source'])]
    return { path: notebook, isNew: false, lines: ['@@ cell @@', ...lines] }
  }
  if (typeof filePath !== 'string' || !Array.isArray(hunks)) return undefined
  const isNew = type === 'create'
  if (isNew && hunks.length === 0) {
    const lines = marked('+', content)
    return { path: filePath, isNew, lines: lines.length === 0 ? [] : [`@@ -0,0 +1,${lines.length} @@`, ...lines] }
  }
  return { path: filePath, isNew, lines: hunks.flatMap(linesOf) }
}

function linesOf(hunk: unknown): string[] {
  if (!isObject(hunk) || !Array.isArray(hunk['lines'])) return []
  const { oldStart, oldLines, newStart, newLines, lines } = hunk
  const texts = lines.filter((line) => typeof line === 'string')
  return [`@@ -${String(oldStart)},${String(oldLines)} +${String(newStart)},${String(newLines)} @@`, ...texts]
}

function marked(mark: string, text: unknown): string[] {
  if (typeof text !== 'string' || text === '') return []
  const lines = (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n').map((line) => mark + line)
  return text.endsWith('\n') ? lines : [...lines, '\\ No newline at end of file']
}

function count(lines: readonly string[], mark: string): number {
  return lines.filter((line) => line.startsWith(mark)).length
}

function blocksOf({ message }: Fields): Fields[] {
  const content = isObject(message) ? message['content'] : undefined
  return Array.isArray(content) ? content.filter(isObject) : []
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
