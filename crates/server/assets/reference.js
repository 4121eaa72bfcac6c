// Starts Scalar on this server's own document, with everything off that would ask another origin.
// The page's policy knows no 'unsafe-inline' and no eval. So, before Scalar runs: style elements that it makes get the
// page's nonce, the style of a single element is set without markup, and its schema library is told not to compile.
const nonce = document.querySelector('meta[property=csp-nonce]').content

const create = document.createElement
document.createElement = function (name, options) {
  const made = create.call(this, name, options)
  if (String(name).toLowerCase() === 'style') made.nonce = nonce
  return made
}

const set = Element.prototype.setAttribute
Element.prototype.setAttribute = function (name, value) {
  if (name === 'style' && this.style) this.style.cssText = value
  else set.call(this, name, value)
}

// Drawings come with styles in their markup, which the policy would drop with a complaint: they are dropped before.
const inner = Object.getOwnPropertyDescriptor(Element.prototype, 'innerHTML')
Object.defineProperty(Element.prototype, 'innerHTML', {
  ...inner,
  set(markup) {
    inner.set.call(this, String(markup).replace(/\sstyle="[^"]*"/g, ''))
  },
})

globalThis.__zod_globalConfig = { jitless: true }

addEventListener('DOMContentLoaded', () => {
  globalThis.Scalar.createApiReference('#reference', {
    url: '/openapi.json',
    withDefaultFonts: false,
    proxyUrl: '',
    telemetry: false,
    agent: { disabled: true },
    mcp: { disabled: true },
    hideClientButton: true,
    showDeveloperTools: 'never',
    persistAuth: false,
  })
})
