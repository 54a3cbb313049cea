/** An MCP server over stdio with one tool, which asks the person for a colour and says what it got. */
import { createInterface } from 'node:readline'

const send = (message: object) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
const schema = { type: 'object', properties: { colour: { type: 'string' } }, required: ['colour'] }
let asked: number | undefined

createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params, result } = JSON.parse(line)
  if (method === 'initialize') {
    const { protocolVersion } = params
    send({ id, result: { protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'asking', version: '1' } } })
  } else if (method === 'tools/list') {
    const tool = { name: 'colour', description: 'Asks for a colour.', inputSchema: { type: 'object', properties: {} } }
    send({ id, result: { tools: [tool] } })
  } else if (method === 'tools/call') {
    asked = id
    send({ id: 'elicit', method: 'elicitation/create', params: { message: 'Which colour?', requestedSchema: schema } })
  } else if (id === 'elicit') {
    send({ id: asked, result: { content: [{ type: 'text', text: `The person said ${JSON.stringify(result)}` }] } })
  } else if (id !== undefined) {
    send({ id, result: {} })
  }
})
