import type { RefObject } from 'preact'
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { progress, shown } from '../session.ts'
import { DraftsOf } from './drafts.tsx'
import { createNearness, type Nearness } from './nearness.ts'
import { PageView, roomFor } from './pages.tsx'

/** How far from the end still counts as reading the newest. */
const NEAR_PX = 48

/** What a person scrolls with, and for how long afterwards it is they who scroll. */
const HAND = ['wheel', 'touchmove', 'keydown'] as const
const UP = new Set(['ArrowUp', 'PageUp', 'Home'])
const HAND_MS = 800

/** For so many frames a place is waited for that is about to be drawn. */
const LOOKS = 60

/** What was said and done. It stays at the newest until somebody reads back, and then where they read. */
export function TranscriptView({ seq }: { seq: number | undefined }) {
  const scroller = useRef<HTMLDivElement>(null)
  const content = useRef<HTMLDivElement>(null)
  const isAtEnd = useRef(true)
  const [isBack, setBack] = useState(false)
  const watch = useNearness(scroller)
  const {
    entries: { pages },
    last,
  } = shown.value
  const from = useGrowing(pages.length)
  const target = seq === undefined ? -1 : pages.findLastIndex(([first]) => (first?.seq ?? Infinity) <= seq)

  useLayoutEffect(() => {
    const [outer, inner] = [scroller.current, content.current]
    if (!outer || !inner) return undefined
    let top = 0
    let height = 0
    let upAt = -Infinity
    /** Pages that are drawn above move everything: the position alone does not tell who goes up. */
    const isGoingUp = () => performance.now() - upAt < HAND_MS
    const noteHand = (event: Event) => {
      const isUp =
        event instanceof WheelEvent ? event.deltaY < 0 : !(event instanceof KeyboardEvent) || UP.has(event.key)
      if (isUp) upAt = performance.now()
    }
    const follow = () =>
      isAtEnd.current && !isGoingUp() && outer.scrollTo({ top: outer.scrollHeight, behavior: 'instant' })
    const noteScroll = () => {
      const isNear = outer.scrollHeight - outer.scrollTop - outer.clientHeight < NEAR_PX
      // Only who goes up leaves the end: what grows below moves nobody, and neither does what is drawn above.
      const isMoved = outer.scrollTop < top - 2 && outer.scrollHeight === height
      if (isNear) isAtEnd.current = true
      else if (isGoingUp() || isMoved) isAtEnd.current = false
      top = outer.scrollTop
      height = outer.scrollHeight
      setBack(!isAtEnd.current)
    }
    const observer = new ResizeObserver(follow)
    observer.observe(inner)
    observer.observe(outer)
    outer.addEventListener('scroll', noteScroll, { passive: true })
    for (const name of HAND) outer.addEventListener(name, noteHand, { passive: true })
    return () => {
      observer.disconnect()
      outer.removeEventListener('scroll', noteScroll)
      for (const name of HAND) outer.removeEventListener(name, noteHand)
    }
  }, [])

  const isThere = target >= from && last >= (seq ?? 0)
  useEffect(() => {
    if (!isThere) return undefined
    isAtEnd.current = false
    const page = content.current?.querySelector(`[data-page="${target}"]`)
    page?.scrollIntoView({ block: 'start' })
    // When it has been drawn, the very place in it.
    let frames = 0
    let frame = requestAnimationFrame(function look() {
      const found = page?.querySelector(`[data-seq="${seq}"]`)
      found?.scrollIntoView({ block: 'center' })
      found?.classList.add('found')
      if (!found && ++frames < LOOKS) frame = requestAnimationFrame(look)
    })
    return () => cancelAnimationFrame(frame)
  }, [isThere, seq])

  return (
    <div class="reading">
      <div class="scroller" ref={scroller} tabIndex={0} role="region" aria-label="Transcript">
        <div class="content" ref={content} role="log" aria-live="off">
          {from > 0 && <div style={{ height: `${roomFor(pages.slice(0, from))}px` }} />}
          {pages.slice(from).map((page, n) => (
            <PageView key={from + n} at={from + n} page={page} watch={watch} isLast={from + n === pages.length - 1} />
          ))}
          <DraftsOf agent={null} />
          {pages.length === 0 && progress.value !== undefined && <p class="note">{progressWords(progress.value)}</p>}
        </div>
      </div>
      {isBack && (
        <button
          type="button"
          class="newest"
          onClick={() => {
            isAtEnd.current = true
            scroller.current?.scrollTo({ top: scroller.current.scrollHeight })
          }}
        >
          Jump to newest
        </button>
      )}
    </div>
  )
}

/** How many pages are made at once: for all of a long conversation that takes longer than a frame. */
const AT_ONCE = 32

/** From which page on they are made; the last ones first, and earlier ones with each task of the page. */
function useGrowing(count: number): number {
  const [made, setMade] = useState(AT_ONCE)
  useEffect(() => {
    if (made >= count) return undefined
    const timer = setTimeout(() => setMade(made + AT_ONCE))
    return () => clearTimeout(timer)
  }, [made, count])
  return Math.max(0, count - made)
}

function useNearness(scroller: RefObject<HTMLElement | null>): Nearness['watch'] {
  const nearness = useRef<Nearness>(undefined)
  useEffect(() => () => nearness.current?.close(), [])
  // The first page asks before there could have been an effect.
  const [watch] = useState(
    (): Nearness['watch'] => (element, onTurn) =>
      (nearness.current ??= createNearness(scroller.current ?? element)).watch(element, onTurn),
  )
  return watch
}

function progressWords(read: number): string {
  return read === 0 ? 'Loading…' : `Loading… ${Math.floor(read * 100)} %`
}
