import { AppError } from '@claude-proxy/protocol/errors'
import type { Routes, RoutesDeps } from '../routes.ts'

/** The text format 0.0.4, which every Prometheus reads. */
const TEXT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/** The doors for who looks after the service. */
export function insideRoutes({
  readiness,
  measures,
}: Pick<RoutesDeps, 'readiness' | 'measures'>): Routes<'ready' | 'metrics'> {
  return {
    async ready() {
      const checks = await readiness()
      const failed = checks.filter(({ status }) => status === 'failed')
      if (failed.length === 0) return { status: 'ready', checks }
      const why = failed.map(({ message }) => message).join(' ')
      throw new AppError('not_ready', why, { checks: [...checks] })
    },

    async metrics({ response }) {
      const text = await measures()
      response.setHeader('content-type', TEXT_TYPE)
      response.setHeader('cache-control', 'no-store')
      response.end(text)
      return undefined
    },
  }
}
