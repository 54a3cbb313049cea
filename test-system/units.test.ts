import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { type Box, openBox } from './support/box.ts'
import { INSTALL } from './support/install.ts'

let box: Box
beforeAll(async () => {
  box = await openBox(inject('share'), inject('layer'))
  await box.ok(`${INSTALL} sh /mnt/source/install.sh`)
})
afterAll(() => box?.[Symbol.asyncDispose]())

it('systemd finds nothing wrong with the units, and the timer is off', async () => {
  const units = '/etc/systemd/system/claude-agent-proxy.service /etc/systemd/system/claude-proxy-upgrade.*'
  const { code, stderr } = await box.sh(`systemd-analyze verify ${units}`)
  expect([code, stderr]).toEqual([0, ''])
  expect((await box.sh('systemctl is-enabled claude-proxy-upgrade.timer')).stdout).toBe('disabled\n')
})

it('no template keeps a word that was to be filled in', async () => {
  expect((await box.sh("grep -r '__[A-Z_]*__' /etc/systemd/system/claude-*")).stdout).toBe('')
})

it("launchd's definition is a property list that starts the launcher", async () => {
  const read = 'import plistlib,sys; print(plistlib.load(open(sys.argv[1],"rb"))["ProgramArguments"])'
  const file = '/opt/claude-proxy/current/deploy/launchd/com.codeagents.claude-proxy.plist'
  expect(await box.ok(`python3 -c '${read}' ${file}`)).toContain('run_proxy_service.sh')
})
