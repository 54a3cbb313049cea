import { topOf } from './days.ts'

export interface Bar {
  readonly key: string
  readonly name: string
  /** The whole name, where `name` is short. */
  readonly title?: string
  readonly amount: number
  readonly words: string
  /** What a click is for, if it is for anything. */
  readonly onChoose?: (() => void) | undefined
}

interface ChartProps {
  readonly name: string
  readonly measure: string
  readonly bars: readonly Bar[]
  readonly words: (amount: number) => string
}

/** Columns beside one another, for what follows in time. The same can be read as a table. */
export function Columns({ name, measure, bars, words }: ChartProps) {
  const top = topOf(Math.max(...bars.map(({ amount }) => amount)))
  const width = 100 / bars.length
  const first = bars[0]
  const last = bars.at(-1)
  return (
    <section class="chart" aria-label={name}>
      <h2>{name}</h2>
      <div class="plot" aria-hidden="true">
        <p class="scale">
          <span>{words(top)}</span>
          <span>{words(top / 2)}</span>
          <span>0</span>
        </p>
        <svg class="columns" width="100%" height="160">
          {[0, 50, 100].map((at) => (
            <line key={at} x1="0" x2="100%" y1={`${at}%`} y2={`${at}%`} />
          ))}
          {bars.map(({ key, name: day, amount, words: said }, at) => {
            const height = (100 * amount) / top
            return (
              <g key={key}>
                <title>{`${day}: ${said}`}</title>
                <rect class="whole" x={`${at * width}%`} y="0" width={`${width}%`} height="100%" />
                <rect
                  class="amount"
                  x={`${(at + 0.12) * width}%`}
                  y={`${100 - height}%`}
                  width={`${0.76 * width}%`}
                  height={`${height}%`}
                />
              </g>
            )
          })}
        </svg>
        <p class="scale ends">
          <span>{first?.name}</span>
          <span>{last?.name}</span>
        </p>
      </div>
      <details class="as-table">
        <summary>As a table</summary>
        <table aria-label={name}>
          <thead>
            <tr>
              <th scope="col">Day</th>
              <th scope="col" class="number">
                {measure}
              </th>
            </tr>
          </thead>
          <tbody>
            {bars
              .filter(({ amount }) => amount > 0)
              .map((bar) => (
                <tr key={bar.key}>
                  <th scope="row">{bar.name}</th>
                  <td class="number">{bar.words}</td>
                </tr>
              ))}
          </tbody>
        </table>
      </details>
    </section>
  )
}

/** A table in which each row has a bar. */
export function Rows({ name, measure, bars }: Omit<ChartProps, 'words'>) {
  const most = Math.max(...bars.map(({ amount }) => amount))
  return (
    <section class="chart" aria-label={name}>
      <h2>{name}</h2>
      <table class="rows" aria-label={name}>
        <thead class="unseen-head">
          <tr>
            <th scope="col">{name}</th>
            <th scope="col">{measure}</th>
          </tr>
        </thead>
        <tbody>
          {bars.map((bar) => (
            <tr key={bar.key}>
              <th scope="row" title={bar.title}>
                {bar.onChoose ? (
                  <button type="button" class="quiet" onClick={bar.onChoose}>
                    {bar.name}
                  </button>
                ) : (
                  bar.name
                )}
                <svg class="strip" width="100%" height="8" aria-hidden="true">
                  <rect class="amount" width={`${most > 0 ? (100 * bar.amount) / most : 0}%`} height="8" rx="3" />
                </svg>
              </th>
              <td class="number">{bar.words}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
