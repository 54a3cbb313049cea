import { ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { isMainThread } from 'node:worker_threads'
import { queryObjects } from 'node:v8'

// Loaded into the service with `--import`: at SIGUSR2 it counts what is alive there, after a collection, and says so.
if (isMainThread) {
  process.on('SIGUSR2', () => {
    const seen = {
      responses: queryObjects(ServerResponse, { format: 'count' }),
      sockets: queryObjects(Socket, { format: 'count' }),
    }
    const { heapUsed, external } = process.memoryUsage()
    process.stderr.write(`probe ${JSON.stringify({ ...seen, heldBytes: heapUsed + external })}\n`)
  })
}
