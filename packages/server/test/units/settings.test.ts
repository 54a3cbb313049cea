import { expect, test } from 'vitest'
import { adjusted, followed, inForce, optionsUnder } from '../../src/core/settings/rules.ts'

test.each(['auto', 'bypassPermissions'] as const)(
  '%s holds in the start of the service that it was asked for in',
  (permissionMode) => {
    const settings = adjusted({ model: 'm' }, { permissionMode }, 'first')
    expect(inForce(settings, 'first')).toMatchObject({ model: 'm', permissionMode })
    expect(inForce(settings, 'second')).toEqual({ model: 'm' })
    // What else is changed later does not bring it along into another start.
    expect(inForce(adjusted(inForce(settings, 'second'), { effort: 'low' }, 'second'), 'second')).toEqual({
      model: 'm',
      effort: 'low',
    })
  },
)

test.each(['default', 'acceptEdits', 'plan', 'dontAsk'] as const)('%s holds in every start', (permissionMode) => {
  const settings = adjusted({}, { permissionMode }, 'first')
  expect(inForce(settings, 'second')).toEqual({ permissionMode })
})

test('null takes a setting back', () => {
  const settings = { model: 'm', effort: 'low' as const, permissionMode: 'plan' as const }
  expect(adjusted(settings, { model: null, permissionMode: null }, 's')).toEqual({ effort: 'low' })
})

test("a run's own options win over the settings", () => {
  const options = { model: 'own', maxTurns: 3 }
  expect(optionsUnder({ model: 'm', effort: 'max', start: 's' }, options)).toEqual({
    model: 'own',
    effort: 'max',
    maxTurns: 3,
  })
})

test.each([
  ['plan', 'plan', 'default', undefined],
  ['plan', 'plan', 'acceptEdits', 'acceptEdits'],
  [undefined, 'default', 'plan', 'plan'],
  // The run had a mode of its own.
  ['acceptEdits', 'plan', 'default', 'acceptEdits'],
  // Nobody has chosen that.
  ['plan', 'plan', 'auto', 'plan'],
  ['plan', 'plan', 'bypassPermissions', 'plan'],
  ['plan', 'plan', 'a-mode-of-tomorrow', 'plan'],
] as const)('set to %s, an agent that goes from %s to %s leaves %s', (set, from, to, left) => {
  expect(followed(set === undefined ? {} : { permissionMode: set }, from, to).permissionMode).toBe(left)
})
