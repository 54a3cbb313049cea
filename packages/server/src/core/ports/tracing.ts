export type Attributes = Readonly<Record<string, string | number | boolean>>

/** A stretch of time with a name. Instants are in milliseconds since 1970. */
export interface Span {
  note(event: string, at: number): void
  set(attributes: Attributes): void
  /** `failure`: why it did not end well. */
  end(at: number, failure?: string): void
}

export interface NewSpan {
  readonly name: string
  readonly at: number
  readonly attributes: Attributes
  /** Whether somebody from outside asked for it. */
  readonly isRequest?: boolean
  /** Undefined begins a trace; a text is a `traceparent` (W3C Trace Context), which counts only if it is one. */
  readonly parent: Span | string | undefined
}

/** Where spans go. */
export interface Tracer {
  start(span: NewSpan): Span
  /** Sends what has ended. Takes not much longer than `withinMs`. */
  close(withinMs: number): Promise<void>
}
