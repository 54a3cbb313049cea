import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { readStream } from './event-stream.ts'
import { createCursor, type Cursor, type Ledger } from './seen.ts'
import type { Lives } from './lives.ts'
import { converse, isResult, type Prompt, type Spoken } from './phone.ts'
import type { Random } from './random.ts'
import { replay } from './replay.ts'

export interface WorkloadOptions {
  readonly lives: Lives
  readonly ledger: Ledger
  readonly random: Random
  readonly signal: AbortSignal
  /** Below it every conversation has a folder of its own. */
  readonly folder: string
  /** How many phones work at once, each in one conversation after the other. */
  readonly phones: number
}

export interface Place {
  readonly id: string
  readonly cwd: string
}

export interface Workload {
  /** All that was said, also what was never accepted. */
  readonly spoken: readonly Spoken[]
  /** Every conversation that was spoken to. */
  readonly places: readonly Place[]
  /** The next conversation of a phone is this one. */
  readonly adopt: (place: Place) => void
  /** Resolves after so many events, or when a run of many events has ended: then sealing begins. */
  readonly heard: (what: { events: number } | 'end of a flood', signal: AbortSignal) => Promise<void>
  /** No more prompts; what was accepted is read to its end. */
  readonly close: () => void
  /** Resolves when all phones and readers are done; rejects with the first thing that did not hold. */
  readonly done: Promise<void>
}

/** Phones that send prompts and read, and second devices that read along; all of them lose their connections often. */
export function startWorkload({ lives, ledger, random, signal, folder, phones }: WorkloadOptions): Workload {
  const spoken: Spoken[] = []
  const places: Place[] = []
  const adopted: Place[] = []
  const listeners = new Set<(endsFlood: boolean) => void>()
  const state = { isClosing: false }
  let count = 0
  const done = Promise.all(Array.from({ length: phones }, () => usePhone(random.fork()))).then(() => {})
  // Whoever waits for something else meanwhile hears of it there.
  done.catch(() => {})

  return {
    spoken,
    places,
    adopt: (place) => adopted.push(place),
    heard(what, until) {
      const { promise, resolve } = Promise.withResolvers<void>()
      let left = what === 'end of a flood' ? 1 : what.events
      const listen = (endsFlood: boolean) => {
        if (what === 'end of a flood' && !endsFlood) return
        if (--left <= 0) resolve()
      }
      listeners.add(listen)
      until.addEventListener('abort', () => resolve(), { once: true })
      return promise.finally(() => listeners.delete(listen))
    },
    close() {
      state.isClosing = true
    },
    done,
  }

  async function usePhone(choice: Random): Promise<void> {
    while (!state.isClosing) await beConversation(await newPlace(), choice)
  }

  async function newPlace(): Promise<Place> {
    const id = `c${++count}`
    const place = adopted.pop() ?? { id, cwd: join(folder, id) }
    await mkdir(place.cwd, { recursive: true })
    places.push(place)
    return place
  }

  /** Some prompts in one conversation, and devices that read along. */
  async function beConversation({ id, cwd }: Place, choice: Random): Promise<void> {
    const cursor = listened(createCursor(id, ledger))
    const isCareful = choice.chance(0.6)
    const doubtful = new Set<number>()
    const phone = {
      conversation: id,
      cwd,
      cursor,
      doubtful,
      lives,
      random: choice,
      signal,
      isClosing: () => state.isClosing,
    }
    const phoneIs = { done: false }
    const talk = async () => {
      for (let left = choice.int(1, 4), n = 1; left > 0 && !state.isClosing; left--, n++) {
        const prompt = inventPrompt(`${id} prompt ${n}`, choice)
        spoken.push(await converse(phone, prompt, isCareful))
      }
      phoneIs.done = true
    }
    const readers = Array.from({ length: choice.int(0, 2) }, () =>
      readAlong({ id, cwd }, phoneIs, cursor, choice.fork()),
    )
    await Promise.all([talk(), ...readers])
  }

  function listened(cursor: Cursor): Cursor {
    let sinceEnd = 0
    return {
      get last() {
        return cursor.last
      },
      get isInContinued() {
        return cursor.isInContinued
      },
      take(frame) {
        cursor.take(frame)
        sinceEnd++
        const isEnd = isResult(frame.data)
        for (const listen of listeners) listen(isEnd && sinceEnd > FLOOD)
        if (isEnd) sinceEnd = 0
      },
    }
  }

  /** A second device: it only reads, and has everything in the end that the phone has. */
  async function readAlong({ id, cwd }: Place, phoneIs: { done: boolean }, phone: Cursor, choice: Random) {
    const cursor = createCursor(id, ledger)
    for (;;) {
      const isLast = phoneIs.done
      const life = await lives.current()
      if (choice.chance(0.3)) {
        await replay(life.base, id, cursor.last, (frame) => cursor.take(frame))
      } else {
        const cut = new AbortController()
        let left = choice.int(1, 500)
        await readStream({
          base: life.base,
          body: { conversation_id: id, cwd },
          lastEventId: cursor.last,
          cut: AbortSignal.any([cut.signal, signal]),
          take(frame) {
            cursor.take(frame)
            if (--left === 0) cut.abort()
          },
        })
      }
      signal.throwIfAborted()
      if (isLast && cursor.last >= phone.last) return
      await sleep(choice.int(0, 40))
    }
  }
}

/** A run of more events is worth sealing. */
const FLOOD = 300

function inventPrompt(name: string, random: Random): Prompt {
  const text = random.pick<() => string>([
    () => 'Say it back.',
    () => `@load n=${random.int(20, 200)} rate=${random.int(100, 1000)} size=${random.int(100, 600)}`,
    () => `@load n=${random.int(20, 400)} rate=${random.int(100, 2000)} size=100 burst=${random.int(1, 50)}`,
    () => `@load n=${random.int(50, 300)} rate=300 size=300 delay=${random.int(0, 300)}`,
    () => `@load n=${random.int(500, 3000)} rate=0 size=${random.int(150, 400)}`,
    () => `@load n=${random.int(500, 3000)} rate=0 size=200\n@load n=20 rate=100 size=3000`,
    () => `@load n=${random.int(3, 8)} rate=20 size=${random.int(20_000, 200_000)}`,
    () => '@ask tool=Bash\n@load n=10 rate=100 size=200\n@ask tool=Write',
    () => '@hang',
    () => `@load n=${random.int(1, 50)} rate=200 size=200\n@hang`,
    () => '@fail',
  ])()
  return { text: `${name} ${text}`, hangs: text.endsWith('@hang') }
}
