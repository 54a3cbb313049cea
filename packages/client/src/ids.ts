/** An id that nobody else has. Where there is no `randomUUID` (pages without TLS, React Native) chance is enough. */
export function newId(): string {
  const { crypto } = globalThis as { crypto?: Partial<Crypto> }
  return crypto?.randomUUID?.() ?? `${Date.now().toString(36)}-${part()}${part()}`
}

function part(): string {
  return Math.random().toString(36).slice(2)
}
