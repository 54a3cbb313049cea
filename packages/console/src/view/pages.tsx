import type { Entry } from '@claude-proxy/client/view'
import { Component, createRef } from 'preact'
import type { Nearness } from './nearness.ts'
import { ItemView } from './items.tsx'

interface PageProps {
  readonly at: number
  readonly page: readonly Entry[]
  readonly watch: Nearness['watch']
  /** The last one: drawn at once, since that is where people begin to read. */
  readonly isLast: boolean
}

/** Before it was drawn once, this much is kept free for an entry. */
const GUESS_PX = 72

/** How many pixels pages may take that nobody has drawn. */
export function roomFor(pages: readonly (readonly Entry[])[]): number {
  return pages.reduce((sum, { length }) => sum + length * GUESS_PX, 0)
}

/** Some of the entries; far from what is seen nothing but the room that they take. */
export class PageView extends Component<PageProps, { isDrawn: boolean }> {
  override state = { isDrawn: this.props.isLast }
  private readonly root = createRef<HTMLDivElement>()
  private height: number | undefined
  private unwatch: (() => void) | undefined

  override componentDidMount(): void {
    const element = this.root.current
    if (element) this.unwatch = this.props.watch(element, (isNear) => this.turn(isNear))
  }

  override componentWillUnmount(): void {
    this.unwatch?.()
  }

  override shouldComponentUpdate(next: PageProps, { isDrawn }: { isDrawn: boolean }): boolean {
    return isDrawn !== this.state.isDrawn || (isDrawn && next.page !== this.props.page)
  }

  private turn(isNear: boolean): void {
    if (!isNear && this.state.isDrawn) this.height = this.root.current?.offsetHeight
    this.setState({ isDrawn: isNear })
  }

  override render() {
    const { page, at } = this.props
    if (this.state.isDrawn)
      return (
        <div ref={this.root} class="page" data-page={at}>
          {page.map((entry, n) => (
            <ItemView key={entry.key} item={entry} before={page[n - 1]} />
          ))}
        </div>
      )
    const height = this.height ?? roomFor([page])
    return <div ref={this.root} class="page far" data-page={at} style={{ height: `${height}px` }} />
  }
}
