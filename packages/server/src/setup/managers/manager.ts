import type { Place } from '../place.ts'

/** What a service manager is told. */
export interface Definition {
  readonly place: Place
  /** The folder of the release that is to run: its `deploy/` says how. */
  readonly release: string
  readonly user: string
}

/** What keeps the service running on a machine. Everything throws a `SetupError` when it cannot be done. */
export interface Manager {
  readonly name: ManagerName
  /** Files that tell it of the service. */
  readonly definitions: readonly string[]
  /** Writes the definition, and has the service start with the machine. Tells whether it was another before. */
  define(definition: Definition): boolean
  /** Starts the service, ending the one that runs. */
  restart(): void
  /** Has it read again what may change while it runs. */
  reload(): void
  /** Ends the service, if it runs. */
  stop(): void
  /** Takes the definition away. */
  forget(): void
  status(): void
  logs(place: Place): void
}

export const MANAGERS = ['systemd', 'supervisord', 'launchd'] as const
export type ManagerName = (typeof MANAGERS)[number]
