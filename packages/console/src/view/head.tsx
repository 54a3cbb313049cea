import type { ComponentChildren } from 'preact'

interface HeadProps {
  readonly title: string
  readonly about?: string | undefined
  /** Where one comes back to on a screen that has room for one thing only. */
  readonly back: string
  readonly children?: ComponentChildren
}

/** The line above whatever is open. */
export function Head({ title, about, back, children }: HeadProps) {
  return (
    <header class="bar">
      <a class="button quiet back" href={back} aria-label="Back">
        ‹
      </a>
      <div class="heading">
        <h1>{title}</h1>
        {about !== undefined && <p class="about">{about}</p>}
      </div>
      {children}
    </header>
  )
}
