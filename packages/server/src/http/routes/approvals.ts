import { ENDPOINTS } from '@claude-proxy/protocol/endpoints'
import { AppError } from '@claude-proxy/protocol/errors'
import { folderOrSpelling } from '../../core/folders.ts'
import { approvalBody, approvalNamed, clientName, decisionOf, ruleBody } from '../approvals.ts'
import { parse, readBody, readQuery } from '../read.ts'
import type { Routes, RoutesDeps } from '../routes.ts'

type ApprovalDoor = 'approvals' | 'approval' | 'answer' | 'rules' | 'removeRule'
type Deps = Pick<RoutesDeps, 'store' | 'approvals' | 'maxBodyBytes'>

/** The doors for what waits for a person. */
export function approvalRoutes({ store, approvals, maxBodyBytes }: Deps): Routes<ApprovalDoor> {
  return {
    async approvals({ request }) {
      const query = await readQuery(request.url, ENDPOINTS.approvals.query)
      const { state, conversation_id: conversation, limit = 100 } = query
      const found = await store.approvals({ conversation, isPending: state === 'pending', limit })
      return { approvals: found.map((each) => approvalBody(each)) }
    },

    async approval({ params }) {
      const { id } = await parse(ENDPOINTS.approval.params, params)
      return approvalBody(await approvalNamed(store, id))
    },

    async answer({ request, params }) {
      const { id } = await parse(ENDPOINTS.answer.params, params)
      const body = await readBody(request, ENDPOINTS.answer.body, maxBodyBytes)
      const known = await approvalNamed(store, id)
      const answer = { decision: decisionOf(body, known), remember: body.remember, by: clientName(request) }
      return approvalBody(await approvals.answer(id, answer))
    },

    async rules({ request }) {
      const { conversation_id: conversation, cwd } = await readQuery(request.url, ENDPOINTS.rules.query)
      const folder = cwd === undefined ? undefined : await folderOrSpelling(cwd)
      return { rules: (await store.approvalRules({ conversation, folder })).map((rule) => ruleBody(rule)) }
    },

    async removeRule({ params }) {
      const { id } = await parse(ENDPOINTS.removeRule.params, params)
      if (await store.removeApprovalRule(id)) return { removed: id }
      throw new AppError('rule_unknown', `There is no rule ${id}.`)
    },
  }
}
