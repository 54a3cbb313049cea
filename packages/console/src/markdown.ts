import DOMPurify from 'dompurify'
import { Marked } from 'marked'

/**
 * Markdown as nodes in which nothing runs and that ask nobody for anything. Whatever HTML the text holds is shown as
 * text; what the parser makes is cleaned again.
 */
export function toNodes(markdown: string): DocumentFragment {
  return DOMPurify.sanitize(parser.parse(markdown, { async: false }), {
    RETURN_DOM_FRAGMENT: true,
    ALLOWED_TAGS: TAGS,
    ALLOWED_ATTR: ['href', 'title', 'class', 'start', 'align', 'type', 'checked', 'disabled', 'aria-label'],
    ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i,
  })
}

const TAGS =
  'a p br hr em strong del code pre ul ol li blockquote table thead tbody tr th td h3 h4 h5 h6 input span'.split(' ')

const parser = new Marked({
  gfm: true,
  breaks: true,
  renderer: {
    html: ({ text }) => escape(text),
    // A picture would be fetched from wherever the text says.
    image: ({ href, text }) => `<a href="${escape(href)}">${escape(text || href)}</a>`,
    // The page has its own first two.
    heading({ tokens, depth }) {
      const level = Math.min(depth + 2, 6)
      return `<h${level}>${this.parser.parseInline(tokens)}</h${level}>`
    },
    checkbox: ({ checked }) => `<span>${checked ? '☑' : '☐'} </span>`,
  },
})

// A page of somebody else opens beside this one, and does not learn where it was opened.
DOMPurify.addHook('afterSanitizeAttributes', (node) => {
  if (node.tagName !== 'A') return
  node.setAttribute('target', '_blank')
  node.setAttribute('rel', 'noopener noreferrer')
})

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
