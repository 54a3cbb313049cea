import type { Entry } from '@claude-proxy/client'
import { Component, createRef, type RefObject } from 'preact'
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { progress, shown } from '../session.ts'
import { DraftsOf } from './drafts.tsx'
import { ItemView } from './items.tsx'

/** How far from the end still counts as reading the newest. */
const NEAR_PX = 48

/** What a person scrolls with, and for how long afterwards it is they who scroll. */
const HAND = ['wheel', 'touchmove', 'keydown'] as const
const UP = new Set(['ArrowUp', 'PageUp', 'Home'])
const HAND_MS = 800

/** What was said and done. It stays at the newest until somebody reads back, and then where they read. */
export function TranscriptView({ seq }: { seq: number | undefined }) {
  const scroller = useRef<HTMLDivElement>(null)
  const content = useRef<HTMLDivElement>(null)
  const isAtEnd = useRef(true)
  const [isBack, setBack] = useState(false)
  const watch = useWatch(scroller)
  const {
    entries: { pages },
    last,
  } = shown.value
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

  const isThere = target >= 0 && last >= (seq ?? 0)
  useEffect(() => {
    if (!isThere) return
    isAtEnd.current = false
    const page = content.current?.querySelector(`[data-page="${target}"]`)
    page?.scrollIntoView({ block: 'start' })
    // When it has been drawn, the very place in it.
    requestAnimationFrame(() =>
      requestAnimationFrame(() => {
        const found = page?.querySelector(`[data-seq="${seq}"]`)
        found?.scrollIntoView({ block: 'center' })
        found?.classList.add('found')
      }),
    )
  }, [isThere, seq])

  return (
    <div class="reading">
      <div class="scroller" ref={scroller} tabIndex={0} role="region" aria-label="Transcript">
        <div class="content" ref={content} role="log" aria-live="off">
          {pages.map((page, at) => (
            <PageView key={at} at={at} page={page} watch={watch} isLate={at >= pages.length - 2} />
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

function progressWords(read: number): string {
  return read === 0 ? 'Loading…' : `Loading… ${Math.floor(read * 100)} %`
}

/** Who wants to know whether they are near what is seen. */
type Watch = (element: Element, onNear: (isNear: boolean) => void) => () => void

const AROUND = '1200px 0px'

function useWatch(scroller: RefObject<HTMLElement | null>): Watch {
  const watching = useRef<{ observer: IntersectionObserver; told: WeakMap<Element, (isNear: boolean) => void> }>(
    undefined,
  )
  useEffect(() => () => watching.current?.observer.disconnect(), [])
  const [watch] = useState((): Watch => (element, onNear) => {
    watching.current ??= createWatching(scroller.current)
    const { observer, told } = watching.current
    told.set(element, onNear)
    observer.observe(element)
    return () => observer.unobserve(element)
  })
  return watch
}

function createWatching(root: HTMLElement | null) {
  const told = new WeakMap<Element, (isNear: boolean) => void>()
  const observer = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) told.get(target)?.(isIntersecting)
    },
    { root, rootMargin: AROUND },
  )
  return { observer, told }
}

interface PageProps {
  readonly at: number
  readonly page: readonly Entry[]
  readonly watch: Watch
  /** One of the last: drawn at once, since that is where people begin to read. */
  readonly isLate: boolean
}

/** Before it was drawn once, this much is kept free for an item. */
const GUESS_PX = 72

/** Some of the items; far from what is seen nothing but the room that they take. */
class PageView extends Component<PageProps, { isNear: boolean }> {
  override state = { isNear: this.props.isLate }
  private readonly root = createRef<HTMLDivElement>()
  private height: number | undefined
  /** What was told last: the state follows a moment later, and two may be told in between. */
  private isNear = this.props.isLate
  private unwatch: (() => void) | undefined

  override componentDidMount(): void {
    const element = this.root.current
    if (element) this.unwatch = this.props.watch(element, (isNear) => this.turn(isNear))
  }

  override componentWillUnmount(): void {
    this.unwatch?.()
  }

  override shouldComponentUpdate(next: PageProps, { isNear }: { isNear: boolean }): boolean {
    return isNear !== this.state.isNear || (isNear && next.page !== this.props.page)
  }

  private turn(isNear: boolean): void {
    if (isNear === this.isNear) return
    this.isNear = isNear
    if (!isNear && this.state.isNear) this.height = this.root.current?.offsetHeight
    this.setState({ isNear })
  }

  override render() {
    const { page, at } = this.props
    if (this.state.isNear)
      return (
        <div ref={this.root} class="page" data-page={at}>
          {page.map((item) => (
            <ItemView key={item.key} item={item} />
          ))}
        </div>
      )
    const height = this.height ?? page.length * GUESS_PX
    return <div ref={this.root} class="page" data-page={at} style={{ height: `${height}px` }} />
  }
}
