import { encode } from 'uqr'

/** What a phone reads to know where the service is, and who it is there (PROTOCOL.md section 3.22). */
export function pairingUri(url: string, token: string): string {
  return `claude-proxy:pair?url=${encodeURIComponent(url)}&token=${encodeURIComponent(token)}`
}

/**
 * A text as a QR code for a terminal, two rows of it in a line. Its colors are its own: a scanner wants dark on light,
 * whatever the terminal is.
 */
export function qrCode(text: string): string {
  const { data } = encode(text, { border: 2 })
  const lines: string[] = []
  for (let y = 0; y < data.length; y += 2) {
    const cells = (data[y] ?? []).map((upper, x) => BLOCKS[Number(upper) * 2 + Number(data[y + 1]?.[x] ?? false)])
    lines.push(`${DARK_ON_LIGHT}${cells.join('')}${RESET}`)
  }
  return `${lines.join('\n')}\n`
}

/** Light, dark below, dark above, dark. */
const BLOCKS = [' ', '▄', '▀', '█'] as const
const DARK_ON_LIGHT = '\u001B[30;107m'
const RESET = '\u001B[0m'
