/** What stands before `sh install.sh`: only the checkout, what was fetched before, and npm's cache are there. */
export const INSTALL = 'REPO_URL=/mnt/source RUNTIME_FILES=/mnt/runtime npm_config_offline=true'

export const ENV_FILE = '/etc/claude-proxy.env'

/** The values of a line `[proxy] step=… status=…`, in order. */
export function stepsOf(said: string): string[] {
  return [...said.matchAll(/^\[proxy\] step=(\S+) status=(\S+)/gm)].map(([, step, status]) => `${step} ${status}`)
}
