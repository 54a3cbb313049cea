import { type Call, type Calls, createCall, createCalls, createOpen, type Open } from './calls.ts'
import type { ClaudeProxyError } from './errors.ts'
import { type FeedItem, followAll, type FollowAllOptions } from './follow-all.ts'
import { follow, type FollowItem, type FollowOptions } from './follow.ts'
import type { Service } from './http.ts'
import { run, type RunHandle, type RunOptions } from './run.ts'
import { type OnWake, onWakeOfPage } from './waiting.ts'

export interface ClientOptions {
  /** Where the service is: `http://127.0.0.1:8787`. */
  readonly baseUrl: string
  /** Where the operator has set one; a function is asked for the token of the moment. */
  readonly token?: string | (() => string | undefined) | undefined
  /** One that streams; the platform's own, if nothing is said. React Native needs that of `expo/fetch`. */
  readonly fetch?: typeof fetch | undefined
  /** By this name approvals say who has answered. Browsers say their own. */
  readonly userAgent?: string | undefined
  /** Tells when to look again at once. Pages do by themselves; React Native's `AppState` can. */
  readonly onWake?: OnWake | undefined
  /** Of the failures that may pass by themselves, those worth asking again; all, if nothing is said. */
  readonly isWorthRepeating?: ((error: ClaudeProxyError) => boolean) | undefined
}

export interface Client extends Calls {
  readonly call: Call
  readonly open: Open
  /** The events of a conversation, each once and in order, through cuts and restarts, until the caller stops. */
  follow(id: string, options?: FollowOptions): AsyncGenerator<FollowItem, void, undefined>
  /** The events of many conversations, or of all. */
  followAll(options?: FollowAllOptions): AsyncGenerator<FeedItem, void, undefined>
  /** Sends a prompt, and gives what it leads to. */
  run(prompt: string, options: RunOptions): Promise<RunHandle>
}

/** A client of the service. It holds nothing open but what is being followed. */
export function createClient(options: ClientOptions): Client {
  const service: Service = {
    baseUrl: options.baseUrl.replace(/\/$/, ''),
    tokenNow: () => (typeof options.token === 'function' ? options.token() : options.token),
    userAgent: options.userAgent,
    // as a page wants it: called by itself
    fetch: options.fetch ?? ((...args) => globalThis.fetch(...args)),
    onWake: options.onWake ?? onWakeOfPage,
    isWorthRepeating: options.isWorthRepeating ?? (() => true),
  }
  const call = createCall(service)
  const calls = createCalls(call)
  const followOne = (id: string, more?: FollowOptions) => follow(service, id, more)
  return {
    ...calls,
    call,
    open: createOpen(service),
    follow: followOne,
    followAll: (more) => followAll(service, more),
    run: (prompt, more) => run(calls, followOne, prompt, more),
  }
}
