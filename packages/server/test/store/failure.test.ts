import { expect, it } from 'vitest'
import { AppError } from '@claude-proxy/protocol/errors'
import { failure, storageFailure, toError } from '../../src/store/sqlite/failure.ts'

const sqlite = (errcode: number) => Object.assign(new Error('what SQLite says'), { errcode })

it.each([
  ['a full disk', sqlite(13), /refused it \(what SQLite says\). Free some disk space and try again.$/],
  ['an error of the disk, by its extended code', sqlite(10 | (3 << 8)), /See the log of the service.$/],
])('%s is the storage not being available, with what to do about it', (_, error, words) => {
  const told = toError(failure(error))
  expect(told).toMatchObject({ code: 'storage_unavailable', message: expect.stringMatching(words), cause: error })
})

it('what is thrown and is no error is told, too', () => {
  expect(toError(storageFailure('gone')).message).toContain('the database refused it (gone)')
})

it('a mistake of ours stays one, and what the caller has to know stays what it is', () => {
  const broken = sqlite(19)
  expect(toError(failure(broken))).toMatchObject({ message: 'Error: what SQLite says', cause: broken })
  expect(toError(failure(broken))).not.toBeInstanceOf(AppError)
  const known = new AppError('conversation_unknown', 'There is none.', { conversation_id: 'c' })
  expect(toError(failure(known))).toMatchObject({ code: 'conversation_unknown', details: { conversation_id: 'c' } })
})
