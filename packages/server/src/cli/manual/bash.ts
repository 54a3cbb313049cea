import { describeOptions } from '../../config.ts'
import { type Page, PAGES } from './pages.ts'
import { type Offer, offerFor } from './values.ts'

/** Completions for bash, 3.2 and later. */
export function bashCompletion(): string {
  const service = describeOptions().map(([flag]) => flag)
  const pairs = PAGES.filter(({ name }) => name.includes(' ')).map(({ name }) => name.split(' '))
  const firsts = [...new Set(PAGES.map(({ name }) => name.split(' ')[0] ?? ''))]
  const groups = [...new Set(pairs.map(([first = '']) => first))]
  return `# Completes claude-proxy in bash; \`claude-proxy completion bash\` writes this.
_claude_proxy() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]}
  local command=\${COMP_WORDS[1]} offer='' flags='' IFS=$' \\t\\n'
  local service='${[...service, '--environment'].join(' ')}'
  COMPREPLY=()
  # --flag=value comes as three words.
  if [[ $current == = ]]; then
    current=''
  elif [[ $previous == = ]]; then
    previous=\${COMP_WORDS[COMP_CWORD - 2]}
  fi
  if ((COMP_CWORD == 1)) || [[ $command == -* ]]; then
    command='' offer='${firsts.join(' ')}'
  fi
${groups.map((group) => groupCase(group, pairs)).join('')}  # What stands for a word, and which options there are.
  case $command in
    '') flags="$service --help" ;;
${PAGES.map(pageCase).join('')}  esac
  # What stands for the value of an option.
  case "$command $previous" in
${PAGES.flatMap(valueCases).join('')}    *) case " $service " in *" $previous "*) offer='<files>' ;; esac ;;
  esac
  if [[ $current == -* ]]; then offer=$flags; fi
  case $offer in
    '<ids>') offer=$(claude-proxy ls --quiet 2>/dev/null | cut -f 1) ;;
    '<approvals>') offer=$(claude-proxy approve --quiet 2>/dev/null | cut -f 1) ;;
    '<hosts>') IFS=$'\\n' COMPREPLY=($(compgen -A hostname -- "$current")) && return ;;
    '<folders>' | '<files>')
      compopt -o filenames 2>/dev/null
      IFS=$'\\n'
      if [[ $offer == '<files>' ]]; then COMPREPLY=($(compgen -f -- "$current")); else COMPREPLY=($(compgen -d -- "$current")); fi
      return
      ;;
  esac
  COMPREPLY=($(compgen -W "$offer" -- "$current"))
}
complete -F _claude_proxy claude-proxy
`
}

/** A first word that needs a second. */
function groupCase(group: string, pairs: readonly string[][]): string {
  const seconds = pairs.filter(([first]) => first === group).map(([, second = '']) => second)
  return `  if [[ $command == ${group} ]]; then
    command="${group} \${COMP_WORDS[2]}"
    if ((COMP_CWORD == 2)); then command='' offer='${seconds.join(' ')}'; fi
  fi
`
}

function pageCase({ name, words: [word = ''], options, isTerminal }: Page): string {
  const flags = [...options.map(({ flag }) => `--${flag}`), ...(isTerminal ? [] : ['$service']), '--help']
  return `    '${name}') flags="${flags.join(' ')}" offer='${said(offerFor(word))}' ;;\n`
}

function valueCases({ name, options }: Page): string[] {
  return options.flatMap(({ flag, short, takes, choices }) => {
    if (takes === undefined) return []
    const offer = said(offerFor(takes, choices.length > 0 ? choices : undefined))
    const names = [`'${name} --${flag}'`, ...(short === undefined ? [] : [`'${name} -${short}'`])]
    return [`    ${names.join(' | ')}) offer='${offer}' ;;\n`]
  })
}

function said(offer: Offer): string {
  if (offer.kind === 'choices') return offer.choices.join(' ')
  return offer.kind === 'nothing' ? '' : `<${offer.kind}>`
}
