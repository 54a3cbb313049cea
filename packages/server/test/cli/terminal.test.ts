import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { startTestService } from '../support/service.ts'
import { environmentAt, runToEnd } from './command.ts'
import { hasTmux, openTerminal, type Terminal } from './tmux.ts'

/** The commands in a real terminal: what is seen, and what keys do. */

const PATIENCE = { timeout: 30_000, interval: 50 }

const sees = (terminal: Terminal, what: string | RegExp) =>
  typeof what === 'string'
    ? expect.poll(() => terminal.screen(), PATIENCE).toContain(what)
    : expect.poll(() => terminal.screen(), PATIENCE).toMatch(what)

describe.skipIf(!hasTmux)('in a terminal', () => {
  test('text grows as it comes, is whole in the end and there once', async () => {
    await using service = await startTestService()
    const cwd = service.folder()
    const terminal = openTerminal(cwd, environmentAt(service))
    terminal.program('run "@draft size=700 chunk=10 every=20"')
    await sees(terminal, 'ended with 0')
    const { stdout } = await runToEnd(['tail', '--json'], { service, cwd })
    const said = stdout
      .trimEnd()
      .split('\n')
      .flatMap((line) => (JSON.parse(line) as Line).event.message?.content ?? [])
      .map(({ text }) => text)
    const draft = said.at(-1) ?? ''
    expect(draft).toHaveLength(700)
    const shown = terminal.screen().replaceAll(/\s/g, '')
    expect(shown.split(draft.replaceAll(/\s/g, ''))).toHaveLength(2)
  })

  test('a question is answered by keys: no with a reason, yes, and a changed command', async () => {
    await using service = await startTestService()
    const cwd = service.folder()
    const terminal = openTerminal(cwd, environmentAt(service))
    terminal.program('run "@ask tool=Bash"')
    await sees(terminal, /Bash needs your permission:\n +true\n[^]*Allow\? \[y\]es, .*\[n\]o:/)
    terminal.type('n')
    terminal.press('Enter')
    await sees(terminal, 'Why?')
    terminal.type('Not today.')
    terminal.press('Enter')
    await sees(terminal, /✗ .* Bash true\n {2}Not today\.\n[^]*ended with 0/)
    terminal.program('run "@ask tool=Other"')
    await sees(terminal, /Other needs your permission:[^]*Allow\?/)
    terminal.type('e')
    terminal.press('Enter')
    await sees(terminal, '> true')
    terminal.type(' --now')
    terminal.press('Enter')
    await sees(terminal, /✓ .* Other true\n[^]*ended with 0/)
    const { stdout } = await runToEnd(['tail', '--json'], { service, cwd })
    expect(stdout).toContain('"updated_input":{"command":"true --now"')
  })

  test('a question that is answered elsewhere is not asked any more', async () => {
    await using service = await startTestService()
    const cwd = service.folder()
    const terminal = openTerminal(cwd, environmentAt(service))
    terminal.program('run "@ask tool=Bash"')
    await sees(terminal, 'Allow?')
    const at = { service, cwd }
    const [line = ''] = (await runToEnd(['approve', '--json'], at)).stdout.split('\n')
    const { approval_id: id } = JSON.parse(line) as { approval_id: string }
    expect(await runToEnd(['approve', id], at)).toMatchObject({ code: 0 })
    await sees(terminal, /✓ .* Bash true\n[^]*ended with 0/)
  })

  test('Ctrl-C stops the turn, also while a question is asked; twice leaves it alone', async () => {
    await using service = await startTestService()
    const terminal = openTerminal(service.folder(), environmentAt(service))
    terminal.program('run "@ask tool=Bash"')
    await sees(terminal, 'Allow?')
    terminal.press('C-c')
    await sees(terminal, 'ended with 130')
    terminal.program('run "@hang"')
    await sees(terminal, /❯ @hang/)
    terminal.press('C-c')
    await sees(terminal, 'Ctrl-C again')
    terminal.press('C-c')
    await sees(terminal, /It goes on without you[^]*ended with 4/)
  })

  test('at 40 columns every line fits, also with wide characters, and words stay whole', async () => {
    await using service = await startTestService()
    const terminal = openTerminal(service.folder(), environmentAt(service), 40)
    terminal.program('run "Ein Satz mit vielen Worten 漢字かな交じり文の長い行 👩‍👩‍👧‍👧 and some more words to break."')
    await sees(terminal, 'ended with 0')
    const screen = terminal.screen()
    const answer = screen.slice(screen.indexOf('I am a scripted'))
    expect(answer).toMatch(/^I am a scripted agent, not a model\. You$/m)
    expect(answer).toContain('words to break.')
    expect(answer).toMatch(/^■ done/m)
  })

  test('what goes on just now is shown with its time, and what it has cost in the end', async () => {
    await using service = await startTestService()
    const terminal = openTerminal(service.folder(), environmentAt(service))
    terminal.program('run "@load n=3 rate=1"')
    await sees(terminal, /^[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] \d+\.\d s$/m)
    await sees(terminal, /■ done · .* · \$0\.0000\n[^]*ended with 0/)
    expect(terminal.screen()).not.toMatch(/[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]/)
  })

  test('what the agent changes is a diff in colours below its call, which took a time', async () => {
    await using service = await startTestService({ agent: 'claude' })
    const cwd = service.folder()
    const terminal = openTerminal(cwd, environmentAt(service))
    terminal.program(`run --allow Write '@write ${cwd}/new.txt one\\ntwo'`)
    await sees(terminal, /✓ \d+\.\d s Write .*new\.txt\n[^]* {2}\+one\n {2}\+two\n[^]*ended with 0/)
    expect(terminal.screen(true)).toContain('\u001b[32m  +one')
  })

  test('what is piped in is the prompt, with a file beside it; --quiet and --json show nothing else', async () => {
    await using service = await startTestService()
    const cwd = service.folder()
    writeFileSync(join(cwd, 'note.txt'), 'twelve bytes')
    const terminal = openTerminal(cwd, environmentAt(service))
    const pipe = async (args: string) => {
      // What is typed before the shell has asked for it stands above its prompt, and the output behind that.
      await sees(terminal, /^\$\s*$(?![^])/m)
      terminal.type('echo From the pipe | ')
      terminal.program(args)
    }
    await pipe('run --file note.txt')
    await sees(terminal, /❯ From the pipe\n[^]*note\.txt \(text\/plain, 12 bytes\)[^]*ended with 0/)
    await pipe('run --quiet')
    await sees(terminal, /^The script has ended\.\nended with 0/m)
    await pipe('run --json | tail -n 1 | cut -c 1-20')
    await sees(terminal, /^\{"conversation_id":"\nended with 0/m)
  })

  test('the help of a command fits into 40 columns', async () => {
    await using service = await startTestService()
    const terminal = openTerminal(service.folder(), environmentAt(service), 40)
    terminal.program('attach --help')
    await sees(
      terminal,
      /claude-proxy attach \[ID\]\n {2}goes back to a run, shows it from its\n {2}beginning, and answers what it asks\n/,
    )
    expect(terminal.screen(true)).not.toContain('\u001b[')
  })

  test('colours are for those who want them', async () => {
    await using service = await startTestService()
    const terminal = openTerminal(service.folder(), environmentAt(service))
    terminal.program('run "@fail"')
    await sees(terminal, 'ended with 1')
    expect(terminal.screen(true)).toContain('\u001b[31m')
    const plain = openTerminal(service.folder(), { ...environmentAt(service), NO_COLOR: '1' })
    plain.program('run "@fail"')
    await sees(plain, 'ended with 1')
    expect(plain.screen(true)).not.toContain('\u001b[31m')
  })
})

interface Line {
  readonly event: { readonly message?: { readonly content: readonly { readonly text: string }[] } }
}
