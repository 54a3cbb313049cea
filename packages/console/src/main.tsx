import { render } from 'preact'
import { resumeOutbox } from './outbox.ts'
import { App } from './view/app.tsx'

const root = document.getElementById('app')
if (root) render(<App />, root)
resumeOutbox()
