import { describeOptions } from '../../config.ts'
import { type Page, type PageOption, PAGES } from './pages.ts'
import { offerFor } from './values.ts'

/** Completions for zsh: to be sourced after compinit, or to lie in its fpath as `_claude-proxy`. */
export function zshCompletion(): string {
  const service = describeOptions().map(([flag, , , does]) => quoted(`${flag}[${escaped(does)}]:value:_files`))
  const firsts = PAGES.filter(({ name }) => !name.includes(' ')).map(described)
  const groups = [
    ...new Set(PAGES.filter(({ name }) => name.includes(' ')).map(({ name }) => name.split(' ')[0] ?? '')),
  ]
  return `#compdef claude-proxy
# Completes claude-proxy in zsh; \`claude-proxy completion zsh\` writes this.

_claude_proxy_listed() {
  local -a found offered
  local each
  found=(\${(f)"$(claude-proxy $1 --quiet 2>/dev/null)"})
  for each in $found; do offered+=("\${each%%$'\\t'*}:\${each#*$'\\t'}"); done
  _describe -V "$2" offered
}
_claude_proxy_ids() { _claude_proxy_listed ls conversation }
_claude_proxy_approvals() { _claude_proxy_listed approve approval }

_claude-proxy() {
  local command=$words[2] count=1
  local -a commands service
  service=(${service.map((each) => `\n    ${each}`).join('')}
  )
  if [[ $command == -* ]]; then
    _arguments $service
    return
  fi
  if (( CURRENT == 2 )); then
    commands=(${[...firsts, ...groups.map(quoted)].map((each) => `\n      ${each}`).join('')}
    )
    _describe command commands
    return
  fi
${groups.map(groupCase).join('')}  shift $count words
  (( CURRENT -= count ))
  case $command in
${PAGES.map(pageCase).join('')}  esac
}

if (( \${funcstack[(Ie)_claude-proxy]} )); then _claude-proxy "$@"; else compdef _claude-proxy claude-proxy; fi
`
}

/** A first word that needs a second. */
function groupCase(group: string): string {
  const seconds = PAGES.filter(({ name }) => name.startsWith(`${group} `))
  const offered = seconds.map(({ name, does }) => described({ name: name.slice(group.length + 1), does }))
  return `  if [[ $command == ${group} ]]; then
    if (( CURRENT == 3 )); then
      commands=(${offered.join(' ')})
      _describe command commands
      return
    fi
    command="${group} $words[3]" count=2
  fi
`
}

function pageCase({ name, words, options, isTerminal }: Page): string {
  const specs = [
    ...options.map(optionSpec),
    ...words.map((word, n) => quoted(`${n + 1}:${escaped(word.replaceAll(/[[\]]/g, ''))}:${actionFor(word)}`)),
  ]
  const service = isTerminal ? '' : ' $service'
  return `    ${quoted(name)})\n      _arguments${service}${specs.map((spec) => ` \\\n        ${spec}`).join('')}\n      ;;\n`
}

function optionSpec({ flag, short, takes, choices, does, isRepeated }: PageOption): string {
  const value = takes === undefined ? '' : `:${escaped(takes)}:${actionFor(takes, choices)}`
  const meaning = `[${escaped(does)}]${value}`
  const star = isRepeated ? '*' : ''
  if (short === undefined) return quoted(`${star}--${flag}${meaning}`)
  return `${quoted(`(-${short} --${flag})`)}{-${short},--${flag}}${quoted(meaning)}`
}

function actionFor(name: string, choices?: readonly string[]): string {
  const offer = offerFor(name, choices?.length ? choices : undefined)
  switch (offer.kind) {
    case 'choices':
      return `(${offer.choices.join(' ')})`
    case 'ids':
    case 'approvals':
      return `_claude_proxy_${offer.kind}`
    case 'folders':
      return '_files -/'
    case 'files':
      return '_files'
    case 'hosts':
      return '_hosts'
    default:
      return ' '
  }
}

function described({ name, does }: Pick<Page, 'name' | 'does'>): string {
  return quoted(`${name}:${does}`)
}

/** For what stands between brackets and colons. */
function escaped(text: string): string {
  return text.replaceAll(/[\\[\]:]/g, String.raw`\$&`)
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
