/** Why something did not come about, told also to who only hears the page; nothing where there are no words for it. */
export function Failure({ words }: { words: string | undefined }) {
  if (words === undefined) return null
  return (
    <p class="error" role="alert">
      {words}
    </p>
  )
}
