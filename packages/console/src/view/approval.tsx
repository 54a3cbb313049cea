import { useState } from 'preact/hooks'
import { ClaudeProxyError } from '@claude-proxy/client'
import type { Question } from '@claude-proxy/client/view'
import type { WrittenAs } from '@claude-proxy/protocol/endpoints'
import { client, sentenceOf } from '../service.ts'
import { type Input, Markdown, WhatHappens } from './code.tsx'
import { Elicitation } from './elicitation.tsx'
import { Failure } from './failure.tsx'
import { Choices } from './question.tsx'

export type Answering = (answer: WrittenAs<'ApprovalAnswer'>) => Promise<void>

/** What waits for a person: what will happen, and what they may say to it. */
export function ApprovalCard({ question }: { question: Question }) {
  const [said, setSaid] = useState<string>()
  const [isBusy, setBusy] = useState(false)
  const { id, about, tool, input, deadline } = question

  const answer: Answering = async (body) => {
    setBusy(true)
    setSaid(undefined)
    try {
      await client.answer(id, body)
    } catch (error) {
      // The event that says by whom is on its way, and takes this card with it.
      const isOver = error instanceof ClaudeProxyError && error.code === 'already_resolved'
      setSaid(isOver ? 'Somebody else was faster.' : sentenceOf(error))
    }
    setBusy(false)
  }

  return (
    <section class="approval" aria-label={`${tool} needs you`}>
      <fieldset disabled={isBusy}>
        <legend>
          {TITLES[about]} <b>{about === 'tool' ? tool : ''}</b>
        </legend>
        {about === 'tool' && <ToolAnswer question={question} input={input} answer={answer} />}
        {about === 'plan' && <PlanAnswer input={input} answer={answer} />}
        {about === 'question' && <Choices question={question} answer={answer} />}
        {about === 'elicitation' && <Elicitation question={question} answer={answer} />}
      </fieldset>
      {deadline !== undefined && (
        <p class="about">Until {new Date(deadline).toLocaleTimeString()}; then it is denied.</p>
      )}
      <Failure words={said} />
    </section>
  )
}

const TITLES: Readonly<Record<Question['about'], string>> = {
  tool: 'May it use',
  plan: 'Is this plan good?',
  question: 'It asks you',
  elicitation: 'A tool asks you',
}

function ToolAnswer({ question, input, answer }: { question: Question; input: Input; answer: Answering }) {
  const [mode, setMode] = useState<'see' | 'edit' | 'deny'>('see')
  if (mode === 'edit') return <EditAnswer input={input} answer={answer} onBack={() => setMode('see')} />
  if (mode === 'deny') return <DenyAnswer answer={answer} onBack={() => setMode('see')} />
  const { rules } = question
  return (
    <>
      <WhatHappens tool={question.tool} input={input} />
      <div class="actions">
        <button type="button" class="primary" onClick={() => void answer({ behavior: 'allow' })}>
          Allow once
        </button>
        {rules.length > 0 && (
          <details class="menu">
            <summary class="button">Always…</summary>
            <div class="body">
              <p>
                Never ask again for <code>{rules.join(', ')}</code>
              </p>
              <button type="button" onClick={() => void answer({ behavior: 'allow', remember: 'session' })}>
                in this conversation
              </button>
              <button type="button" onClick={() => void answer({ behavior: 'allow', remember: 'project' })}>
                in this folder
              </button>
            </div>
          </details>
        )}
        <button type="button" onClick={() => setMode('edit')}>
          Edit
        </button>
        <button type="button" onClick={() => setMode('deny')}>
          Deny…
        </button>
      </div>
    </>
  )
}

function EditAnswer({ input, answer, onBack }: { input: Input; answer: Answering; onBack: () => void }) {
  const [text, setText] = useState(JSON.stringify(input, undefined, 2))
  const changed = read(text)
  return (
    <>
      <label>
        What it will do instead
        <textarea class="code" rows={8} value={text} onInput={({ currentTarget }) => setText(currentTarget.value)} />
      </label>
      {changed === undefined && <p class="error">This is no JSON object.</p>}
      <div class="actions">
        <button
          type="button"
          class="primary"
          disabled={changed === undefined}
          onClick={() => void answer({ behavior: 'allow', updated_input: changed })}
        >
          Allow this
        </button>
        <button type="button" onClick={onBack}>
          Back
        </button>
      </div>
    </>
  )
}

function read(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined
  } catch {
    return undefined
  }
}

function DenyAnswer({ answer, onBack }: { answer: Answering; onBack: () => void }) {
  const [reason, setReason] = useState('')
  const message = reason.trim() === '' ? {} : { message: reason }
  return (
    <>
      <label>
        Why not? The agent reads it.
        <textarea rows={2} value={reason} onInput={({ currentTarget }) => setReason(currentTarget.value)} />
      </label>
      <div class="actions">
        <button type="button" class="danger" onClick={() => void answer({ behavior: 'deny', ...message })}>
          Deny
        </button>
        <button type="button" onClick={() => void answer({ behavior: 'deny', interrupt: true, ...message })}>
          Deny and stop
        </button>
        <button type="button" onClick={onBack}>
          Back
        </button>
      </div>
    </>
  )
}

function PlanAnswer({ input, answer }: { input: Input; answer: Answering }) {
  const [mode, setMode] = useState<'see' | 'deny'>('see')
  if (mode === 'deny') return <DenyAnswer answer={answer} onBack={() => setMode('see')} />
  return (
    <>
      <div class="plan" tabIndex={0} role="region" aria-label="Plan">
        <Markdown text={typeof input['plan'] === 'string' ? input['plan'] : ''} />
      </div>
      <div class="actions">
        <button type="button" class="primary" onClick={() => void answer({ behavior: 'allow' })}>
          Go ahead
        </button>
        <button type="button" onClick={() => setMode('deny')}>
          Not like this…
        </button>
      </div>
    </>
  )
}
