import type { Routes, RoutesDeps } from '../routes.ts'

/** The doors that describe all others. What they say is made when it is first asked for: a start has no time for it. */
export function docsRoutes({ version }: Pick<RoutesDeps, 'version'>): Routes<'openApi' | 'docs'> {
  const describe = async () => (await import('@claude-proxy/protocol/openapi')).openApi(version)

  return {
    openApi: async () => ({ ...(await describe()) }),

    async docs({ response }) {
      const { docsPage } = await import('../docs-page.ts')
      const page = docsPage(await describe())
      response.setHeader('content-type', 'text/html; charset=utf-8')
      // Nothing in it runs, and nothing is fetched.
      response.setHeader('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'")
      response.end(page)
      return undefined
    },
  }
}
