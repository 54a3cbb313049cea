import type { ComponentType } from 'preact'
import { useEffect, useState } from 'preact/hooks'

/** A part of the page that is loaded when somebody wants to see it: the first paint does not wait for it. */
export function later<Props extends object>(load: () => Promise<ComponentType<Props>>): ComponentType<Props> {
  let loaded: ComponentType<Props> | undefined
  return function Later(props: Props) {
    const [View, setView] = useState(() => loaded)
    const [isLost, setLost] = useState(false)
    useEffect(() => {
      if (loaded) return
      load()
        .then((found) => {
          loaded = found
          setView(() => found)
        })
        // After an upgrade its file has another name, which only a fresh page knows.
        .catch(() => setLost(true))
    }, [])
    if (View) return <View {...props} />
    return <p class="empty">{isLost ? 'This part could not be loaded. Load the page again.' : 'Loading…'}</p>
  }
}
