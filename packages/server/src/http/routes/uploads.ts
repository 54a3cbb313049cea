import { ENDPOINTS } from '@claude-proxy/protocol/endpoints'
import { attachmentMark } from '../../core/attachments/marks.ts'
import { sendFile } from '../file.ts'
import { announcedLength, checkFileType, partsOf } from '../file-body.ts'
import { parse, readQuery } from '../read.ts'
import type { Routes, RoutesDeps } from '../routes.ts'
import { timestamp } from '../../core/timestamp.ts'

/** The doors for what comes with prompts. */
export function uploadRoutes({ attachments }: Pick<RoutesDeps, 'attachments'>): Routes<'upload' | 'uploaded'> {
  return {
    async upload({ request, signal, caller, record }) {
      const { name } = await readQuery(request.url, ENDPOINTS.upload.query)
      checkFileType(request)
      const uploaded = await attachments.upload({
        name,
        announced: announcedLength(request),
        parts: partsOf(request, signal()),
        by: caller.token ?? caller.who,
      })
      await record({ subject: uploaded.id, detail: `${uploaded.mediaType}, ${uploaded.bytes} bytes` })
      const { attachment_id: id, ...facts } = attachmentMark(uploaded)
      return { upload_id: id, ...facts, expires_at: timestamp(uploaded.expiresAt) }
    },

    async uploaded({ response, params, signal }) {
      const { id } = await parse(ENDPOINTS.uploaded.params, params)
      const { attachment, file } = await attachments.open(id)
      await using _ = file
      await sendFile(response, attachment, file, signal())
      return undefined
    },
  }
}
