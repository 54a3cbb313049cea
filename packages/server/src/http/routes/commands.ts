import { ENDPOINTS } from '@claude-proxy/protocol/endpoints'
import { attachmentMarks } from '../../core/attachments/marks.ts'
import type { Prompt } from '../../core/ports/prompt.ts'
import { mayDecide } from '../caller.ts'
import type { Deed } from '../record.ts'
import { parse, readBody, readOptionalBody } from '../read.ts'
import type { Routes, RoutesDeps } from '../routes.ts'
import { timestamp } from '../../core/timestamp.ts'

type CommandDoor = 'interrupt' | 'queue' | 'editPrompt' | 'cancelPrompt' | 'steerPrompt'

type Deps = Pick<RoutesDeps, 'commands' | 'maxBodyBytes'>

/** The doors for runs that go on and prompts that wait. */
export function commandRoutes({ commands, maxBodyBytes }: Deps): Routes<CommandDoor> {
  return {
    async interrupt({ request, params, record }) {
      const { id } = await parse(ENDPOINTS.interrupt.params, params)
      const { scope = 'turn' } = await readOptionalBody(request, ENDPOINTS.interrupt.body, maxBodyBytes)
      const { conversation, run, background, cancelled, queued, hasChanged } = await commands.interrupt(id, scope)
      if (hasChanged) await record({ conversation: id, run, folder: conversation.folder, detail: scope })
      return {
        conversation_id: id,
        scope,
        stopped: { run_id: run ?? null, background },
        cancelled_prompt_ids: cancelled,
        still_queued: queued.map(summary),
      }
    },

    async queue({ params }) {
      const { id } = await parse(ENDPOINTS.queue.params, params)
      const { prompts, ahead } = await commands.queue(id)
      return { conversation_id: id, others_ahead: ahead, prompts: prompts.map(summary) }
    },

    async editPrompt({ request, params, caller, record }) {
      const { prompt_id: id } = await parse(ENDPOINTS.editPrompt.params, params)
      const edit = await readBody(request, ENDPOINTS.editPrompt.body, maxBodyBytes)
      const prompt = await commands.edit(id, edit, { mayDecide: mayDecide(caller) })
      await record(deedOf(prompt))
      return summary(prompt)
    },

    async cancelPrompt({ params, record }) {
      const { prompt_id: id } = await parse(ENDPOINTS.cancelPrompt.params, params)
      const prompt = await commands.cancel(id)
      await record(deedOf(prompt))
      return summary(prompt)
    },

    async steerPrompt({ params, caller, record }) {
      const { prompt_id: id } = await parse(ENDPOINTS.steerPrompt.params, params)
      const prompt = await commands.steer(id, { mayDecide: mayDecide(caller) })
      if (prompt.state !== 'queued') await record(deedOf(prompt))
      return summary(prompt)
    },
  }
}

function deedOf({ id, conversation, folder, state }: Prompt): Deed {
  return { conversation, subject: id, folder, detail: state }
}

function summary({ id, conversation, state, text, attachments, at }: Prompt) {
  return {
    prompt_id: id,
    conversation_id: conversation,
    state,
    text,
    ...attachmentMarks(attachments),
    created_at: timestamp(at),
  }
}
