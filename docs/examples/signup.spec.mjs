// The sign-up of app.py in a browser, with a number and a message of the sandbox.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, test } from '@playwright/test'

const SANDBOX = process.env.NUMBEROTP_SANDBOX_URL ?? 'http://127.0.0.1:8080'
const KEY = 'notp_SandboxDemoKeyOnlyForTesting000H6vHm'

// A Chromium of your own, such as /usr/bin/chromium; without it Playwright takes the one that it installed.
test.use({ launchOptions: { executablePath: process.env.CHROMIUM } })

let app

test.beforeAll(async () => {
  const env = { ...process.env, SMS_URL: `${SANDBOX}/sandbox/messages`, SMS_KEY: KEY }
  const path = fileURLToPath(new URL('app.py', import.meta.url))
  app = spawn('python3', [path], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = await once(app.stdout, 'data')
  app.address = String(line).trim()
})

test.afterAll(() => app.kill())

test('a visitor signs up with the code from the message', async ({ page, request }) => {
  const headers = { Authorization: `Bearer ${KEY}` }
  // `silent`: the sandbox sends nothing of its own, so the only message is the app's.
  const data = { service: 'discord', country: 'US', operator: 'silent' }
  const rented = await request.post(`${SANDBOX}/api/internal/rent`, { headers, data })
  const { id, number } = (await rented.json()).data

  await page.goto(app.address)
  await page.getByLabel('Phone number').fill(number)
  await page.getByRole('button', { name: 'Send code' }).click()

  const message = await request.get(`${SANDBOX}/api/internal/rent/${id}/wait`, { headers, timeout: 70_000 })
  await page.getByLabel('Code').fill((await message.json()).data.otp)
  await page.getByRole('button', { name: 'Sign up' }).click()
  await expect(page.getByText('You are signed up.')).toBeVisible()
})
