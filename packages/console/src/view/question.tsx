import type { Question } from '@claude-proxy/client/view'
import type { Answering } from './approval.tsx'

interface Asked {
  readonly question: string
  readonly header?: string
  readonly multiSelect?: boolean
  readonly options?: readonly { readonly label: string; readonly description?: string }[]
}

/** Questions of the agent, as a form. */
export function Choices({ question: { input }, answer }: { question: Question; answer: Answering }) {
  const asked = questionsOf(input['questions'])
  const send = (form: HTMLFormElement) => {
    const data = new FormData(form)
    const answers = asked.map(({ question }) => {
      const chosen = data
        .getAll(question)
        .map(String)
        .filter((value) => value !== '')
      const other = data.get(`${question} other`)
      const own = typeof other === 'string' ? other.trim() : ''
      return [question, [...chosen, ...(own === '' ? [] : [own])].join(', ')] as const
    })
    void answer({ behavior: 'allow', answers: Object.fromEntries(answers.filter(([, value]) => value !== '')) })
  }
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        send(event.currentTarget)
      }}
    >
      {asked.map((one) => (
        <fieldset key={one.question} class="choice">
          <legend>{one.question}</legend>
          {one.options?.map(({ label, description }) => (
            <label key={label}>
              <input type={one.multiSelect ? 'checkbox' : 'radio'} name={one.question} value={label} />
              <span>
                {label}
                {description !== undefined && <small>{description}</small>}
              </span>
            </label>
          ))}
          <input
            type="text"
            name={`${one.question} other`}
            aria-label={`Own answer to: ${one.question}`}
            placeholder="Something else"
          />
        </fieldset>
      ))}
      <div class="actions">
        <button type="submit" class="primary">
          Answer
        </button>
        <button type="button" onClick={() => void answer({ behavior: 'deny' })}>
          Do not answer
        </button>
      </div>
    </form>
  )
}

function questionsOf(value: unknown): readonly Asked[] {
  return Array.isArray(value) ? (value as Asked[]) : []
}
