// Signs in at a website as a browser does (page's token, form, cookie) and goes on to NumberOTP with the cookie that it
// got. Prints one JSON object a line.
const [site, otp, origin] = process.argv.slice(2)
const jar = new Map()

const go = async (url, options = {}) => {
  const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ")
  const headers = { ...options.headers, ...(cookie && { cookie }) }
  const answer = await fetch(url, { ...options, headers, redirect: "manual" })
  for (const line of answer.headers.getSetCookie()) {
    const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)
    value === "" ? jar.delete(name) : jar.set(name, value)
  }
  return answer
}
const told = async (what, answer) => {
  const body = await answer.json()
  console.log(JSON.stringify({ what, status: answer.status, body }))
}
const signIn = async (password) => {
  const { csrfToken } = await (await go(`${site}/api/auth/csrf`)).json()
  const form = new URLSearchParams({ csrfToken, email: "ada@example.com", password })
  await go(`${site}/api/auth/callback/credentials`, { method: "POST", body: form })
}
const rent = (base, from) => {
  const headers = { "content-type": "application/json", ...from }
  const body = JSON.stringify({ service: "telegram", country: "US" })
  return go(`${base}/api/internal/rent`, { method: "POST", headers, body })
}

await told("nobody", await go(`${site}/otp/api/user/profile`))
await signIn("a guess")
await told("a wrong password", await go(`${site}/otp/api/user/profile`))
await signIn("correct horse")
await told("through the site", await go(`${site}/otp/api/user/profile`))
await told("straight", await go(`${otp}/api/user/profile`))
await told("rent", await rent(`${site}/otp`, { origin }))
await told("rent from elsewhere", await rent(`${site}/otp`, { origin: "https://evil.example" }))
await told("rent from nowhere", await rent(`${site}/otp`, {}))
console.log(JSON.stringify({ what: "cookies", names: [...jar.keys()] }))
