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
      const curves: (Curve & { growth: Growth })[] = []
      for (const { name, growth: of } of parts) {
        if (of === undefined) continue
        context.signal.throwIfAborted()
        curves.push({ name, label: `${of.cost}; ${of.axis}`, points: await measure(context, name, of), growth: of })
      }
      // A brief run only shows that it works: its plot is not worth keeping.
      const file = context.brief ? join(context.scratch, 'growth.svg') : PLOT
      await mkdir(dirname(file), { recursive: true })
      await writeFile(file, drawGrowth(curves))
      return curves.map((curve) => rowOf(curve))
    },
  }
}

async function measure(context: Context, name: string, { sizes, measure: cost }: Growth): Promise<Curve['points']> {
  const points: { size: number; cost: number }[] = []
  const chosen = context.brief
    ? sizes
        .slice(0, 1)
        .map((size) => Math.ceil(size / 2))
        .concat(sizes[0] ?? 1)
    : sizes
  for (const size of chosen) {
    const costs: number[] = []
    for (let n = 0; n < (context.brief ? 1 : REPEATS); n++) costs.push(await cost(context, size))
    points.push({ size, cost: median(costs) })
    context.say(`${name} at ${size}: ${median(costs).toPrecision(3)}`)
  }
  return points
}

const REPEATS = 3

/** The exponent between the two largest sizes: 1 is linear, 0 is flat. */
function rowOf({ name, label, points, growth: { shape } }: Curve & { growth: Growth }): Row {
  const [before, last] = points.slice(-2)
  const exponent = before && last ? Math.log(last.cost / before.cost) / Math.log(last.size / before.size) : Number.NaN
  return { what: `${name}: exponent of ${label}`, unit: '', candidate: [exponent], target: atMost(MOST[shape]) }
}
