import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { EXECUTABLE } from '../packages/server/test/support/chromium.ts'

/**
 * Draws the icons that systems want as pictures from `icon.svg`. `node scripts/icons.ts`, when that has changed; the
 * pictures are kept beside it.
 */
const SOURCE = join(import.meta.dirname, '../packages/console/src')
/** Systems that round the corners themselves get them as they are: what is transparent there would be black. */
const ICONS = [
  { name: 'icon-192', size: 192, radius: 42 },
  { name: 'icon-512', size: 512, radius: 112 },
  { name: 'icon-maskable', size: 512, radius: 0 },
  { name: 'icon-apple', size: 180, radius: 0 },
]

const drawing = readFileSync(join(SOURCE, 'icon.svg'), 'base64')
const browser = await chromium.launch({ executablePath: EXECUTABLE ?? '', args: ['--no-sandbox'] })
for (const { name, size, radius } of ICONS) {
  const page = await browser.newPage({ viewport: { width: size, height: size } })
  await page.setContent(
    `<body style="margin:0"><img style="display:block;width:${size}px;border-radius:${radius}px" src="data:image/svg+xml;base64,${drawing}">`,
  )
  writeFileSync(join(SOURCE, `${name}.png`), await page.screenshot({ omitBackground: true }))
  await page.close()
}
await browser.close()
