import { ENDPOINTS } from '@claude-proxy/protocol/endpoints'
import { folderOrSpelling } from '../../core/folders.ts'
import { reportUsage } from '../../core/usage.ts'
import { readQuery } from '../read.ts'
import type { Routes, RoutesDeps } from '../routes.ts'
import { usageBody } from '../usage-body.ts'

/** The door for the bill. */
export function usageRoutes({ store, clock }: Pick<RoutesDeps, 'store' | 'clock'>): Routes<'usage'> {
  return {
    async usage({ request }) {
      const { by, from, to, tz, cwd } = await readQuery(request.url, ENDPOINTS.usage.query)
      const folder = cwd === undefined ? undefined : await folderOrSpelling(cwd)
      return usageBody(await reportUsage(store, { by, from, to, timeZone: tz, folder }, clock.now()))
    },
  }
}
