import { Dialog } from './dialog.tsx'
import { KEYS, keysShown } from './keys.ts'

/** What the keys do that work everywhere, and those of the prompt. */
export function KeysHelp() {
  return (
    <Dialog title="What the keys do" onClose={() => (keysShown.value = false)}>
      <table class="keys">
        <tbody>
          {KEYS.map(({ key, does }) => (
            <Row key={key} name={key === 'Escape' ? 'Esc' : key} does={does} />
          ))}
          <Row name="Enter" does="Send the prompt" />
          <Row name="Shift + Enter" does="A new line in the prompt" />
        </tbody>
      </table>
    </Dialog>
  )
}

function Row({ name, does }: { name: string; does: string }) {
  return (
    <tr>
      <th scope="row">
        <kbd>{name}</kbd>
      </th>
      <td>{does}</td>
    </tr>
  )
}
