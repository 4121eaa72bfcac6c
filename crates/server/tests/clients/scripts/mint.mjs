// Makes sessions with the real packages, cuts them into cookies as those do, and asks the server with each: whole,
// spoilt, and as a bearer token. Prints one JSON object a line.
import { createRequire } from "node:module"
import { webcrypto } from "node:crypto"

globalThis.crypto ??= webcrypto // Node.js 18
const require = createRequire(import.meta.url)
const five = await import("@auth/core/jwt")
const four = require("next-auth/jwt")
const cut = {
  five: await import(new URL("./node_modules/@auth/core/lib/utils/cookie.js", import.meta.url)),
  four: require("./node_modules/next-auth/core/lib/cookie.js"),
}
const [base, secret] = process.argv.slice(2)

const profile = async (headers) => {
  const answer = await fetch(`${base}/api/user/profile`, { headers })
  const body = await answer.json()
  return { status: answer.status, email: body.data?.email, code: body.code }
}

const spoilt = (text, at) => {
  const letter = text[at] === "A" ? "B" : "A"
  return text.slice(0, at) + letter + text.slice(at + 1)
}

for (const family of ["four", "five"]) {
  for (const secure of [false, true]) {
    for (const size of [0, 4000, 9000]) {
      const option = cut[family].defaultCookies(secure).sessionToken
      const email = `${family}@example.com`
      const token = { name: "Ada", email, sub: family, picture: null, blob: "x".repeat(size) }
      const jwt =
        family === "four"
          ? await four.encode({ token, secret })
          : await five.encode({ token, secret, salt: option.name })
      const logger = { debug() {}, warn() {}, error() {} }
      const store =
        family === "four"
          ? new cut.four.SessionStore(option, { cookies: {}, headers: {} }, logger)
          : new cut.five.SessionStore(option, {}, logger)
      const chunks = store.chunk(jwt, {}).map(({ name, value }) => [name, value])
      const cookie = (pairs) => ({ cookie: pairs.map(([name, value]) => `${name}=${value}`).join("; ") })
      const wrong = []
      for (let turn = 0; turn < 25; turn += 1) {
        const [name, value] = chunks[turn % chunks.length]
        const at = Math.floor(Math.random() * value.length)
        const others = chunks.filter(([other]) => other !== name)
        const letter = spoilt(value, at)
        // The place of a dot or of a letter whose last bits count for nothing is spoilt too.
        wrong.push((await profile(cookie([...others, [name, letter]]))).status)
      }
      const whole = await profile(cookie([...chunks].reverse()))
      const bearer = await profile({ authorization: `Bearer ${encodeURIComponent(jwt)}` })
      const names = chunks.map(([name]) => name)
      console.log(JSON.stringify({ family, secure, size, names, whole, bearer, wrong }))
    }
  }
}
