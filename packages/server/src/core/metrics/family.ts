/** What is measured under one name, as Prometheus sees it (prometheus.io/docs/concepts/data_model). */
export interface Family {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  readonly samples: readonly Sample[]
}

export interface Sample {
  /** What is appended to the name: a histogram has three. */
  readonly suffix?: '_bucket' | '_sum' | '_count'
  readonly labels?: Readonly<Record<string, string>>
  readonly value: number
}

export function counter(name: string, help: string, samples: readonly Sample[]): Family {
  return { name, type: 'counter', help, samples }
}

/** A gauge. What is not known now has no sample. */
export function gauge(name: string, help: string, value: number | undefined | readonly Sample[]): Family {
  const samples = typeof value === 'object' ? value : value === undefined ? [] : [{ value }]
  return { name, type: 'gauge', help, samples }
}
