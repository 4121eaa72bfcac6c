//! `/docs` and the pages about error codes, in a browser against the real program. Guards: they render under their
//! policy without a violation, they ask no other origin for anything, and a request can be sent from the page.

use crate::program::{Folder, Server};
use crate::tools::{Client, chromium, values};
use serde_json::{Value, json};

/// Opens a page, does something on it, and prints what happened: a JSON value.
fn browse(test: &str, path: &str, does: &str) -> Option<Value> {
    let (true, Some(chromium)) = (Client::Node.is_there(), chromium()) else { return None };
    let folder = Folder::new(test);
    let server = Server::start(&folder, &["--sandbox"]);
    let base = format!("http://{}", server.address);
    let script = format!(
        "import {{ chromium }} from 'playwright-core'\n\
         const [base, told] = [{}, {{ elsewhere: [], complaints: [], answers: {{}} }}]\n\
         const browser = await chromium.launch({{ executablePath: {}, args: ['--no-sandbox'] }})\n\
         const page = await browser.newPage()\n\
         page.on('request', (asked) => {{\n\
           if (!/^(data|blob):/.test(asked.url()) && !asked.url().startsWith(base + '/')) told.elsewhere.push(asked.url())\n\
         }})\n\
         page.on('pageerror', (error) => told.complaints.push(String(error)))\n\
         page.on('console', (line) => {{ if (line.type() === 'error') told.complaints.push(line.text()) }})\n\
         page.on('response', (answer) => {{ told.answers[answer.url().slice(base.length)] = answer.status() }})\n\
         await page.addInitScript(() => {{\n\
           globalThis.violations = []\n\
           document.addEventListener('securitypolicyviolation', (one) => violations.push(one.violatedDirective))\n\
         }})\n\
         await page.goto(base + {})\n\
         {does}\n\
         told.violations = await page.evaluate(() => globalThis.violations)\n\
         told.text = await page.evaluate(() => document.body.innerText)\n\
         await browser.close()\n\
         console.log(JSON.stringify(told))\n",
        json!(base),
        json!(chromium),
        json!(path),
    );
    let told = values(&Client::Node.run(&folder, &script)).remove(0);
    for nothing in ["elsewhere", "complaints", "violations"] {
        assert_eq!(told[nothing], json!([]), "{nothing}: {told:#}");
    }
    Some(told)
}

#[test]
fn the_reference_renders_in_a_browser_and_sends_a_request() {
    let does = "await page.getByRole('button', { name: /Test Request.*prices/i }).first().click()\n\
                const sent = page.waitForResponse((answer) => answer.url().includes('/api/public/prices'))\n\
                await page.getByRole('button', { name: /^Send/ }).first().click()\n\
                told.sent = await (await sent).json()\n\
                await page.getByText('200 OK').first().waitFor()";
    let Some(told) = browse("docs-page", "/docs", does) else { return };
    assert_eq!(told["answers"]["/openapi.json"], 200);
    assert_eq!(told["answers"]["/api/public/prices"], 200);
    assert_eq!(told["sent"]["success"], true);
    let text = told["text"].as_str().unwrap();
    assert!(text.contains("NumberOTP") && text.contains("Prices of one-time numbers"), "{text}");
}

#[test]
fn the_page_about_a_code_is_read_in_a_browser() {
    let does = "await page.getByRole('link', { name: 'All codes' }).click()\n\
                await page.getByRole('link', { name: 'RATE_LIMITED' }).click()\n\
                await page.getByRole('heading', { name: 'RATE_LIMITED' }).waitFor()";
    let Some(told) = browse("docs-errors", "/docs/errors/NOT_FOUND", does) else { return };
    assert_eq!(told["answers"]["/docs/errors/RATE_LIMITED"], 200);
}
