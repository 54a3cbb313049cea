/** What an installation cannot go on after, and the step it came to. */
export class SetupError extends Error {
  readonly step: Step

  constructor(step: Step, message: string, options?: ErrorOptions) {
    super(message, options)
    this.step = step
  }
}

/** The steps that lines name. Clients of the original know most of them. */
export type Step = 'preflight' | 'python' | 'user' | 'service' | 'supervisord' | 'healthz' | 'upgrade' | 'complete'

/** Says what was done, in the line that install.sh and the original say it in. */
export function done(step: Step, message: string): void {
  process.stdout.write(line(step, 'ok', message))
}

/** Says what stopped it. Clients show the last such line. */
export function failed(step: Step, message: string): void {
  process.stdout.write(line(step, 'error', message))
}

function line(step: Step, status: 'ok' | 'error', message: string): string {
  const text = message.replaceAll('"', "'").replaceAll(/\s+/g, ' ').trim()
  return `[proxy] step=${step} status=${status} msg="${text}"\n`
}
