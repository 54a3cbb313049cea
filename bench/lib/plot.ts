/** One line of the plot: how often the cost of the smallest size the others have. */
export interface Curve {
  readonly name: string
  readonly label: string
  /** How cost grows with size: 1 is linear, 0 is flat. */
  readonly exponent: number
  readonly points: readonly { readonly size: number; readonly cost: number }[]
}

const WIDTH = 1190
const HEIGHT = 560
const PLOT = { left: 70, right: 560, top: 40, bottom: 500 }
/** Of middling lightness: they are seen on white and on black. */
const COLOURS = [
  '#2f81f7',
  '#e5534b',
  '#2f9e44',
  '#a371f7',
  '#c08a1e',
  '#12a5a0',
  '#7d8590',
  '#e8703a',
  '#d6579b',
  '#6b7ee0',
]

/** The page may be light or dark: the picture goes along. */
const STYLE = `<style>
  :root { --ground: #fff; --ink: #24292f; --faint: #d8dee4; --guide: #8c959f }
  @media (prefers-color-scheme: dark) { :root { --ground: #0d1117; --ink: #d6dde5; --faint: #30363d; --guide: #6e7681 } }
  text { fill: var(--ink) }
</style>`

/**
 * Draws curves on two logarithmic axes, sizes and costs both as multiples of the smallest: linear growth is the
 * diagonal, flat is level.
 */
export function drawGrowth(curves: readonly Curve[]): string {
  const scaled = curves.map((curve) => ({ ...curve, points: relative(curve.points) }))
  const all = scaled.flatMap(({ points }) => points)
  const mostX = decades(Math.max(10, ...all.map(({ x }) => x)))
  const mostY = decades(Math.max(10, ...all.map(({ y }) => y)))
  const leastY = -decades(Math.max(1, ...all.map(({ y }) => 1 / y)))
  const x = (value: number) => PLOT.left + (Math.log10(value) / mostX) * (PLOT.right - PLOT.left)
  const y = (value: number) =>
    PLOT.bottom - ((Math.log10(value) - leastY) / (mostY - leastY)) * (PLOT.bottom - PLOT.top)

  const grid = [
    ...range(0, mostX).map((n) => line(x(10 ** n), PLOT.top, x(10 ** n), PLOT.bottom, 'var(--faint)')),
    ...range(0, mostX).map((n) => text(x(10 ** n), PLOT.bottom + 20, `${10 ** n} ×`, 'middle')),
    ...range(leastY, mostY).map((n) => line(PLOT.left, y(10 ** n), PLOT.right, y(10 ** n), 'var(--faint)')),
    ...range(leastY, mostY).map((n) => text(PLOT.left - 8, y(10 ** n) + 4, `${Number((10 ** n).toFixed(3))} ×`, 'end')),
  ]
  const top = Math.min(mostX, mostY)
  const linear = line(x(1), y(1), x(10 ** top), y(10 ** top), 'var(--guide)', '6 4')
  const drawn = scaled.flatMap(({ name, label, exponent, points }, index) => {
    const colour = COLOURS[index % COLOURS.length] ?? '#000'
    const path = points.map((point) => `${x(point.x).toFixed(1)},${y(point.y).toFixed(1)}`).join(' ')
    const row = PLOT.top + 10 + index * 40
    const dots = points.map(
      (point) => `<circle cx="${x(point.x).toFixed(1)}" cy="${y(point.y).toFixed(1)}" r="3.5" fill="${colour}"/>`,
    )
    return [
      `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`,
      dots.join(''),
      line(PLOT.right + 20, row - 4, PLOT.right + 44, row - 4, colour),
      text(PLOT.right + 52, row, `${name}: ${exponent.toFixed(2)}`, 'start', 'bold'),
      text(PLOT.right + 52, row + 15, label, 'start'),
    ]
  })
  const legend = [
    text(
      PLOT.left,
      22,
      'How cost grows with size: exponents (dashed: linear, 1; both axes logarithmic, multiples of the smallest size)',
      'start',
    ),
    text((PLOT.left + PLOT.right) / 2, PLOT.bottom + 44, 'size', 'middle'),
  ]
  const head = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`
  const ground = `<rect width="${WIDTH}" height="${HEIGHT}" rx="6" style="fill: var(--ground)"/>`
  return `${[head, STYLE, ground, ...grid, linear, ...drawn, ...legend, '</svg>'].join('\n')}\n`
}

function relative(points: Curve['points']): { x: number; y: number }[] {
  const [first] = points
  if (first === undefined) return []
  return points.map(({ size, cost }) => ({ x: size / first.size, y: Math.max(cost / first.cost, 0.01) }))
}

function decades(most: number): number {
  return Math.ceil(Math.log10(most) - 1e-9)
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, n) => from + n)
}

function line(x1: number, y1: number, x2: number, y2: number, colour: string, dashes = ''): string {
  const place = [x1, y1, x2, y2].map((value) => value.toFixed(1))
  const dashed = dashes && ` stroke-dasharray="${dashes}"`
  return `<line x1="${place[0]}" y1="${place[1]}" x2="${place[2]}" y2="${place[3]}" style="stroke: ${colour}"${dashed}/>`
}

function text(x: number, y: number, words: string, anchor: string, weight = 'normal'): string {
  const safe = words.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}" font-weight="${weight}">${safe}</text>`
}
