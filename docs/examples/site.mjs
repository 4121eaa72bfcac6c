// A website with a sign-in by Auth.js, as small as it can be: run it with AUTH_SECRET, and with NUMBEROTP_URL where
// NumberOTP listens. What begins with /otp/ is passed on to NumberOTP with the visitor's cookies, as a rewrite does.
import { createServer } from "node:http"
import { webcrypto } from "node:crypto"

globalThis.crypto ??= webcrypto // Node.js 18
const { Auth } = await import("@auth/core")
const { default: Credentials } = await import("@auth/core/providers/credentials")

const config = {
  secret: process.env.AUTH_SECRET,
  basePath: "/api/auth",
  trustHost: true,
  providers: [
    Credentials({
      credentials: { email: {}, password: {} },
      // Yours asks its database.
      authorize: ({ email, password }) =>
        password === "correct horse" ? { id: `id of ${email}`, email, name: "Ada Lovelace" } : null,
    }),
  ],
}

const body = async (request) => {
  const chunks = []
  for await (const chunk of request) chunks.push(chunk)
  return chunks.length ? Buffer.concat(chunks) : undefined
}

const server = createServer(async (incoming, outgoing) => {
  const { method, headers } = incoming
  const otp = incoming.url.startsWith("/otp/")
  const base = otp ? process.env.NUMBEROTP_URL : `http://${headers.host}`
  const url = new URL(otp ? incoming.url.slice("/otp".length) : incoming.url, base)
  const { host, connection, ...rest } = headers
  const request = new Request(url, { method, headers: rest, body: await body(incoming) })
  const answer = otp ? await fetch(request) : await Auth(request, config)
  for (const [name, value] of answer.headers) {
    if (name !== "set-cookie") outgoing.setHeader(name, value)
  }
  outgoing.setHeader("set-cookie", answer.headers.getSetCookie())
  outgoing.writeHead(answer.status).end(Buffer.from(await answer.arrayBuffer()))
})
server.listen(Number(process.env.PORT ?? 3000), "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${server.address().port}`)
})
