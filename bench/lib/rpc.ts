import type { ChildProcess } from 'node:child_process'

/** What a child process does when asked, by name. Arguments and results travel by structured clone. */
export type Handlers = Record<string, (argument: never) => unknown>

interface Question {
  readonly id: number
  readonly method: string
  readonly argument: unknown
}

type Answer = { readonly id: number; readonly result: unknown } | { readonly id: number; readonly error: string }

/** In the child: answers the parent. When the parent has gone, `orphaned` is called. */
export function answer(handlers: Handlers, orphaned: () => void = () => process.exit(1)): void {
  process.on('message', (question: Question) => {
    const handler = handlers[question.method] as ((argument: unknown) => unknown) | undefined
    const reply = (said: Answer) => process.send?.(said)
    Promise.try(() => {
      if (handler === undefined) throw new Error(`nobody here can ${question.method}`)
      return handler(question.argument)
    }).then(
      (result: unknown) => reply({ id: question.id, result }),
      (error: unknown) =>
        reply({ id: question.id, error: error instanceof Error ? String(error.stack) : String(error) }),
    )
  })
  process.on('disconnect', orphaned)
}

/** In the parent: asks a child. */
export interface Remote<H extends Handlers> {
  ask<M extends keyof H & string>(
    method: M,
    ...argument: Parameters<H[M]> extends [] ? [] : [argument: Parameters<H[M]>[0]]
  ): Promise<Awaited<ReturnType<H[M]>>>
}

export function remote<H extends Handlers>(child: ChildProcess, lastWords: () => string): Remote<H> {
  const waiting = new Map<number, PromiseWithResolvers<unknown>>()
  let count = 0
  child.on('message', (said: Answer) => {
    const asked = waiting.get(said.id)
    waiting.delete(said.id)
    if ('error' in said) asked?.reject(new Error(said.error))
    else asked?.resolve(said.result)
  })
  child.on('exit', (code, signal) => {
    const error = new Error(`process ${child.pid} ended (${signal ?? code}) before it answered\n${lastWords()}`)
    for (const asked of waiting.values()) asked.reject(error)
    waiting.clear()
  })
  return {
    ask(method, ...[argument]) {
      const asked = Promise.withResolvers<unknown>()
      const id = ++count
      waiting.set(id, asked)
      child.send({ id, method, argument } satisfies Question, (error) => {
        if (error) asked.reject(error)
      })
      return asked.promise as never
    },
  }
}
