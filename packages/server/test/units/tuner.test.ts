import { expect, test } from 'vitest'
import { Tuner, type Tunable } from '../../src/agents/claude/tuner.ts'

const nothing = { permissionMode: 'default' as const }

/** A process that takes everything but what it is told to refuse, and notes what it was told. */
function process(refuses: readonly string[] = []): Tunable & { readonly heard: string[] } {
  const heard: string[] = []
  const take = async (what: string) => {
    heard.push(what)
    if (refuses.includes(what)) throw new Error(`no ${what}`)
  }
  return {
    heard,
    setModel: (model) => take(`model ${model}`),
    setEffort: (effort) => take(`effort ${effort}`),
    setPermissionMode: (mode) => take(`mode ${mode}`),
  }
}

test('what changes is told to the process, what is so already is not', async () => {
  const tuner = new Tuner({ ...nothing, model: 'a', effort: 'low' })
  const tuned = process()
  const { applied, before } = await tuner.adjust(tuned, { model: 'a', effort: null, permissionMode: 'plan' })
  expect(tuned.heard).toEqual(['mode plan', 'effort null'])
  expect(applied).toEqual(['permissionMode', 'effort', 'model'])
  expect(before).toEqual({ permissionMode: 'default', effort: 'low', model: 'a' })
  expect(tuner.now).toEqual({ permissionMode: 'plan', model: 'a' })
})

test('what a process refuses leaves it as it was, also in what it had taken before', async () => {
  const tuner = new Tuner(nothing)
  const tuned = process(['model nonsense'])
  const refused = tuner.adjust(tuned, { model: 'nonsense', effort: 'max', permissionMode: 'plan' })
  await expect(refused).rejects.toMatchObject({ code: 'setting_refused', details: { setting: 'model' } })
  expect(tuned.heard.slice(3)).toEqual(['effort null', 'mode default'])
  expect(tuner.now).toEqual(nothing)
})

test('changes that come at once are made one after the other', async () => {
  const tuner = new Tuner(nothing)
  const tuned = process(['model b'])
  const all = ['a', 'b', 'c'].map((model) => tuner.adjust(tuned, { model }))
  const [first, second, third] = await Promise.allSettled(all)
  expect([first?.status, second?.status, third?.status]).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect(third).toMatchObject({ value: { before: { model: 'a' } } })
  expect(tuner.now.model).toBe('c')
})

test('the mode without questions is only had by a process that was started in it', async () => {
  const other = process()
  const unasked = { permissionMode: 'bypassPermissions' as const }
  expect((await new Tuner(nothing).adjust(other, { ...unasked, model: 'a' })).applied).toEqual(['model'])
  expect(other.heard).toEqual(['model a'])
  const tuner = new Tuner(unasked)
  await tuner.adjust(process(), nothing)
  expect((await tuner.adjust(process(), unasked)).applied).toEqual(['permissionMode'])
})

test('a mode that we have set is no news, however late the agent confirms it; one of its own is', async () => {
  const tuner = new Tuner(nothing)
  await tuner.adjust(process(), { permissionMode: 'plan' })
  await tuner.adjust(process(), { permissionMode: 'acceptEdits' })
  expect(tuner.noteMode('plan')).toBeUndefined()
  expect(tuner.noteMode('acceptEdits')).toBeUndefined()
  expect(tuner.now.permissionMode).toBe('acceptEdits')
  expect(tuner.noteMode('default')).toBe('acceptEdits')
  expect(tuner.noteMode('default')).toBeUndefined()
})

test('a process that does not answer is not waited for without end; what it takes later is known', async () => {
  const tuner = new Tuner(nothing, 5)
  const late = Promise.withResolvers<void>()
  const slow: Tunable = { ...process(), setModel: () => late.promise }
  await expect(tuner.adjust(slow, { model: 'a' })).rejects.toMatchObject({ code: 'setting_refused' })
  expect(tuner.now.model).toBeUndefined()
  late.resolve()
  await expect.poll(() => tuner.now.model).toBe('a')
})

test('only while a model is set, what the agent repeats is left out', async () => {
  const tuner = new Tuner(nothing)
  const repeated = { type: 'user', isReplay: true }
  const during: boolean[] = []
  const tuned: Tunable = {
    ...process(),
    setModel: async () => {
      during.push(tuner.isEcho(repeated), tuner.isEcho({ type: 'user' }), tuner.isEcho({ type: 'assistant' }))
    },
  }
  expect(tuner.isEcho(repeated)).toBe(false)
  await tuner.adjust(tuned, { model: 'a' })
  expect(during).toEqual([true, false, false])
  expect(tuner.isEcho(repeated)).toBe(false)
})
