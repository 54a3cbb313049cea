import { useState } from 'preact/hooks'
import { isRefused, keepToken } from '../service.ts'
import { Failure } from './failure.tsx'

/** Asks for the token of a service that has one. */
export function Lock() {
  const [token, setToken] = useState('')
  const [isForGood, setForGood] = useState(false)
  return (
    <main class="lock">
      <form
        class="sheet"
        onSubmit={(event) => {
          event.preventDefault()
          keepToken(token.trim(), isForGood)
        }}
      >
        <h1>This service asks for its token</h1>
        <label>
          Token
          <input
            type="password"
            required
            autocomplete="current-password"
            value={token}
            onInput={({ currentTarget }) => setToken(currentTarget.value)}
          />
        </label>
        {isRefused.value && <Failure words="The service does not take this token." />}
        <label class="inline">
          <input
            type="checkbox"
            checked={isForGood}
            onChange={({ currentTarget }) => setForGood(currentTarget.checked)}
          />
          Keep it in this browser
        </label>
        <div class="actions">
          <button type="submit" class="primary">
            Open
          </button>
        </div>
      </form>
    </main>
  )
}
