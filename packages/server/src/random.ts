/** An id that nobody guesses: 32 hex digits. */
export function newHexId(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString('hex')
}

/** 256 bits for a token. */
export function newSecret(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(32))
}
