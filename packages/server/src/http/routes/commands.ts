import { ENDPOINTS } from '@claude-proxy/protocol/endpoints'
import { attachmentMarks } from '../../core/attachments/marks.ts'
import type { Prompt } from '../../core/ports/prompt.ts'
import type { Commands } from '../../core/runs/commands.ts'
import { parse, readBody, readOptionalBody } from '../read.ts'
import type { Routes } from '../routes.ts'

type CommandDoor = 'interrupt' | 'queue' | 'editPrompt' | 'cancelPrompt' | 'steerPrompt'

/** The doors for runs that go on and prompts that wait. */
export function commandRoutes(commands: Commands, maxBodyBytes: number): Routes<CommandDoor> {
  return {
    async interrupt({ request, params }) {
      const { id } = await parse(ENDPOINTS.interrupt.params, params)
      const { scope = 'turn' } = await readOptionalBody(request, ENDPOINTS.interrupt.body, maxBodyBytes)
      const { run, background, cancelled, queued } = await commands.interrupt(id, scope)
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

    async editPrompt({ request, params }) {
      const { prompt_id: id } = await parse(ENDPOINTS.editPrompt.params, params)
      const edit = await readBody(request, ENDPOINTS.editPrompt.body, maxBodyBytes)
      return summary(await commands.edit(id, edit))
    },

    async cancelPrompt({ params }) {
      const { prompt_id: id } = await parse(ENDPOINTS.cancelPrompt.params, params)
      return summary(await commands.cancel(id))
    },

    async steerPrompt({ params }) {
      const { prompt_id: id } = await parse(ENDPOINTS.steerPrompt.params, params)
      return summary(await commands.steer(id))
    },
  }
}

function summary({ id, conversation, state, text, attachments, at }: Prompt) {
  return {
    prompt_id: id,
    conversation_id: conversation,
    state,
    text,
    ...attachmentMarks(attachments),
    created_at: new Date(at).toISOString(),
  }
}
