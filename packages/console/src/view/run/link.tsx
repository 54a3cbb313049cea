import { addressOfRun, place } from '../../route.ts'

/** From the end of a run to what took how long in it. */
export function RunLink({ begun }: { begun: number | undefined }) {
  const here = place.value
  if (here.at !== 'conversation' || begun === undefined) return undefined
  return (
    <a class="run-link" href={addressOfRun(here.id, begun)}>
      Timeline and changes
    </a>
  )
}
