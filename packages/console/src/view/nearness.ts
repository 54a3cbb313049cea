/** How far around what is seen is still near. */
const AROUND = '1200px 0px'

/**
 * Tells elements that they have come near to what is seen, or are far again. Far is told at once. Near is told to one a
 * frame, the one in the middle first: whoever scrolls fast comes near to many, and drawing them all would stand still.
 */
export interface Nearness {
  /** Returns how to be told no more. */
  watch(element: Element, onTurn: (isNear: boolean) => void): () => void
  close(): void
}

export function createNearness(root: Element): Nearness {
  const told = new Map<Element, (isNear: boolean) => void>()
  const near = new Set<Element>()
  let isTelling = false

  const observer = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        if (isIntersecting) near.add(target)
        else {
          near.delete(target)
          told.get(target)?.(false)
        }
      }
      tellSoon()
    },
    { root, rootMargin: AROUND },
  )

  function tellSoon(): void {
    if (near.size === 0 || isTelling) return
    isTelling = true
    // After the frame, not in it: it has what was drawn before to lay out and to paint.
    requestAnimationFrame(() => setTimeout(tellNext))
  }

  function tellNext(): void {
    isTelling = false
    const middle = root.getBoundingClientRect().top + root.clientHeight / 2
    const [next] = [...near].sort((a, b) => distance(a, middle) - distance(b, middle))
    if (!next) return
    near.delete(next)
    told.get(next)?.(true)
    tellSoon()
  }

  return {
    watch(element, onTurn) {
      told.set(element, onTurn)
      observer.observe(element)
      return () => {
        observer.unobserve(element)
        told.delete(element)
        near.delete(element)
      }
    },
    close() {
      observer.disconnect()
      near.clear()
    },
  }
}

function distance(element: Element, middle: number): number {
  const { top, bottom } = element.getBoundingClientRect()
  return Math.max(top - middle, middle - bottom, 0)
}
