import { expect, test } from 'vitest'
import { gist, pathFrom } from '../src/words.ts'

test.each([
  ['a command, its first line', 'Bash', { command: 'ls -la\npwd', description: 'Looks' }, 'ls -la'],
  ['a file of the folder', 'Edit', { file_path: '/srv/shop/src/cart.ts', old_string: 'a' }, 'src/cart.ts'],
  ['a file elsewhere', 'Read', { file_path: '/srv/shopping/list' }, '/srv/shopping/list'],
  ['a question', 'AskUserQuestion', { questions: [{ question: 'Which colour?' }] }, 'Which colour?'],
  ['whatever comes first', 'mcp__own', { colour: 'green' }, 'green'],
  ['its name, when there is nothing else', 'Own', { numbers: [1] }, 'Own'],
])('a call is told by %s', (_, tool, input, words) => {
  expect(gist('/srv/shop', tool, input)).toBe(words)
})

test('a path stays what it is where nothing is known of the folder', () => {
  expect(pathFrom('', '/srv/shop')).toBe('/srv/shop')
})
