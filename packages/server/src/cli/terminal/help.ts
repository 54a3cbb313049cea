import { type OptionName, optionOf } from './options.ts'
import { EXIT, TERMINAL_COMMANDS } from './table.ts'

/** What `claude-proxy NAME --help` says. */
export function helpOf(name: string): string {
  const command = TERMINAL_COMMANDS[name]
  if (!command) return ''
  const { words, does, options, examples } = command
  return `claude-proxy ${[name, ...words].join(' ')}
  ${does}

${options.map(describeOption).join('')}
${examples.map((example) => `  ${example}\n`).join('')}
Ends with ${Object.entries(EXIT)
    .map(([what, code]) => `${code} (${what})`)
    .join(', ')}.
`
}

function describeOption(name: OptionName): string {
  const { short, value, does, choices } = optionOf(name)
  const flags = `${short ? `-${short}, ` : ''}--${name}${value ? ` ${value}` : ''}`
  return `  ${flags}\n      ${does}${choices ? ` One of ${choices.join(', ')}.` : ''}\n`
}
