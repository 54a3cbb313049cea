import { isMainThread } from 'node:worker_threads'
import { createProbe } from './probe-handlers.ts'
import { answer } from './rpc.ts'

// Loaded into the service with `node --import`: it tells the benchmark about the process it sits in. Node loads it
// into the service's worker threads, too.
if (isMainThread) answer(createProbe(), () => process.kill(process.pid, 'SIGTERM'))
