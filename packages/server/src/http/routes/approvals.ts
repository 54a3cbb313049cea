import { ENDPOINTS } from '@claude-proxy/protocol/endpoints'
import { AppError } from '@claude-proxy/protocol/errors'
import { folderOrSpelling } from '../../core/folders.ts'
import { approvalBody, approvalNamed, decisionOf, ruleBody } from '../approvals.ts'
import { nameOf } from '../caller.ts'
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

    async answer({ request, params, caller, record }) {
      const { id } = await parse(ENDPOINTS.answer.params, params)
      const body = await readBody(request, ENDPOINTS.answer.body, maxBodyBytes)
      const known = await approvalNamed(store, id)
      const answer = { decision: decisionOf(body, known), remember: body.remember, by: nameOf(caller) }
      const { folder } = (await store.conversation(known.conversation)) ?? {}
      const answered = await approvals.answer(id, answer)
      const kept = body.remember === 'none' ? '' : `, and ${body.remember}`
      const detail = `${body.behavior} ${known.request.tool}${kept}`
      await record({ conversation: known.conversation, run: known.run, subject: id, folder, detail })
      return approvalBody(answered)
    },

    async rules({ request }) {
      const { conversation_id: conversation, cwd } = await readQuery(request.url, ENDPOINTS.rules.query)
      const folder = cwd === undefined ? undefined : await folderOrSpelling(cwd)
      return { rules: (await store.approvalRules({ conversation, folder })).map((rule) => ruleBody(rule)) }
    },

    async removeRule({ params, record }) {
      const { id } = await parse(ENDPOINTS.removeRule.params, params)
      const rule = (await store.approvalRules({})).find((each) => each.id === id)
      if (!rule || !(await store.removeApprovalRule(id))) throw new AppError('rule_unknown', `There is no rule ${id}.`)
      await record({ conversation: rule.conversation, subject: id, folder: rule.folder, detail: rule.rule })
      return { removed: id }
    },
  }
}
