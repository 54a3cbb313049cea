import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { atMost, type Context, type Growth, type Part, type Row } from '../lib/part.ts'
import { type Curve, drawGrowth } from '../lib/plot.ts'
import { median } from '../lib/stats.ts'

const PLOT = join(import.meta.dirname, '../../docs/growth.svg')

/** Some slack: a doubling that costs a tenth more than double is within the noise of one measurement. */
const MOST = { linear: 1.1, flat: 0.15 }

/** How the cost of each part grows with its size. */
export function growth(parts: readonly Part[]): Part {
  return {
    name: 'growth',
    sentence:
      'the cost of the other parts at a tenth of their size, at their size and, where that is quick, at ten times',

    async run(context: Context) {
      const curves: Measured[] = []
      for (const { name, growth: of } of parts) {
        if (of === undefined) continue
        context.signal.throwIfAborted()
        const points = await measure(context, name, of)
        curves.push({ name, label: `${of.cost}; ${of.axis}`, points, exponent: exponentOf(points), growth: of })
      }
      // A brief run only shows that it works: its plot is not worth keeping.
      const file = context.brief ? join(context.scratch, 'growth.svg') : PLOT
      await mkdir(dirname(file), { recursive: true })
      await writeFile(file, drawGrowth(curves))
      return curves.map((curve) => rowOf(curve))
    },
  }
}

type Measured = Curve & { readonly growth: Growth }

async function measure(context: Context, name: string, { sizes, measure: cost }: Growth): Promise<Curve['points']> {
  const [smallest = 1] = sizes
  const points: { size: number; cost: number }[] = []
  const chosen = context.brief ? [Math.ceil(smallest / 2), smallest] : sizes
  for (const size of chosen) {
    const start = performance.now()
    const costs = [await cost(context, size)]
    const firstMs = performance.now() - start
    const repeats = context.brief ? 1 : MOST_REPEATS
    while (costs.length < repeats && performance.now() - start + firstMs < ENOUGH_MS)
      costs.push(await cost(context, size))
    points.push({ size, cost: median(costs) })
    const seconds = ((performance.now() - start) / 1000).toFixed(0)
    context.say(`${name} at ${size}: ${median(costs).toPrecision(3)} (${costs.length} times, ${seconds} s)`)
    const next = chosen[points.length] ?? size
    if (firstMs * (next / size) <= TOO_LONG_MS) continue
    context.say(`${name} at ${next} would take too long`)
    break
  }
  return points
}

const MOST_REPEATS = 3
/** A size that has taken this long is not repeated. */
const ENOUGH_MS = 15_000
/** A size that is going to take longer, were it linear, is left out. */
const TOO_LONG_MS = 120_000

/** The exponent between the two largest sizes: 1 is linear, 0 is flat. */
function exponentOf(points: Curve['points']): number {
  const [before, last] = points.slice(-2)
  return before && last ? Math.log(last.cost / before.cost) / Math.log(last.size / before.size) : Number.NaN
}

function rowOf({ name, label, points, exponent, growth: { shape } }: Measured): Row {
  const sizes = points.map(({ size }) => size.toLocaleString('en')).join(', ')
  return {
    what: `${name}: exponent of ${label} (${sizes})`,
    unit: '',
    candidate: [exponent],
    target: atMost(MOST[shape]),
  }
}
