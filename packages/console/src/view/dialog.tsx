import type { ComponentChildren } from 'preact'
import { useEffect, useId, useRef } from 'preact/hooks'

interface DialogProps {
  readonly title: string
  readonly onClose: () => void
  readonly children: ComponentChildren
}

/** A question or a page of help above everything else. It is there as long as it is drawn. */
export function Dialog({ title, onClose, children }: DialogProps) {
  const root = useRef<HTMLDialogElement>(null)
  const name = useId()
  useEffect(() => root.current?.showModal(), [])
  return (
    <dialog
      ref={root}
      aria-labelledby={name}
      onClose={onClose}
      // Beside it: what is inside of it is a target of its own.
      onClick={({ target, currentTarget }) => target === currentTarget && currentTarget.close()}
    >
      <div class="inside">
        <header class="bar">
          <h2 id={name}>{title}</h2>
          <button type="button" class="quiet" aria-label="Close" onClick={() => root.current?.close()}>
            ×
          </button>
        </header>
        {children}
      </div>
    </dialog>
  )
}
