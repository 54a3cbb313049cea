/** Nobody answers there, or not the service. The sentence says what to do. */
export class Unreachable extends Error {}
