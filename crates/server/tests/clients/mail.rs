//! Mail as a real mail server takes it: aiosmtpd on loopback, the real program, and a person who reads the mail.
//!
//! Guards that a code comes by SMTP, also from a server that puts it off first, and that nothing waits for that.

use crate::program::{Folder, Server};
use crate::tools::Client;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Stdio};

/// Takes mail after it has put off so many, and prints each as a line.
const MAIL_SERVER: &str = r#"
import asyncio, json, sys
from aiosmtpd.controller import UnthreadedController

class Box:
    put_off = int(sys.argv[1])
    async def handle_DATA(self, server, session, envelope):
        if Box.put_off > 0:
            Box.put_off -= 1
            print(json.dumps({"putOff": envelope.rcpt_tos}), flush=True)
            return "451 come again"
        text = envelope.content.decode()
        print(json.dumps({"from": envelope.mail_from, "to": envelope.rcpt_tos, "text": text}), flush=True)
        return "250 taken"

loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)
controller = UnthreadedController(Box(), hostname="127.0.0.1", port=0, loop=loop)
controller.begin()
print(json.dumps({"port": controller.server.sockets[0].getsockname()[1]}), flush=True)
loop.run_forever()
"#;

/// A mail server, killed with the value.
struct MailServer {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl MailServer {
    fn start(folder: &Folder, put_off: usize) -> (Self, String) {
        std::fs::write(folder.path().join("mail.py"), MAIL_SERVER).unwrap();
        let mut command = Client::Python.command(folder);
        let mut child =
            command.args(["mail.py", &put_off.to_string()]).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut server = Self { child, lines };
        let port = server.next()["port"].clone();
        (server, format!("smtp://127.0.0.1:{port}"))
    }

    /// The next thing that happens to it.
    fn next(&mut self) -> Value {
        let line = self.lines.next().expect("the mail server ended").unwrap();
        serde_json::from_str(&line).unwrap()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _gone = self.child.wait();
    }
}

fn post(server: &Server, what: &str, body: &Value) -> Value {
    let (status, _, answer) = server.request("POST", &format!("/api/auth/{what}"), "", &body.to_string());
    assert_eq!(status, 200, "{what}: {answer}");
    answer["data"].clone()
}

fn signs_up_by_mail(test: &str, put_off: usize) {
    if !Client::Python.is_there() {
        return;
    }
    let folder = Folder::new(test);
    let (mut mail_server, url) = MailServer::start(&folder, put_off);
    let arguments =
        ["--sandbox", "--smtp-url", &url, "--mail-from", "hello@otters.example", "--brand-name", "Otters"];
    let server = Server::start(&folder, &arguments);
    let (email, password) = ("ann@example.com", "grey otter 7");
    post(&server, "sign-up", &json!({ "email": email, "password": password }));
    for _ in 0..put_off {
        assert_eq!(mail_server.next(), json!({ "putOff": [email] }));
    }
    let mail = mail_server.next();
    assert_eq!((&mail["from"], &mail["to"]), (&json!("hello@otters.example"), &json!([email])));
    let text = mail["text"].as_str().unwrap();
    assert!(text.contains("\r\nSubject: Otters: your code to finish signing up\r\n"), "{text}");
    let digits = |line: &&str| line.len() == 6 && line.bytes().all(|byte| byte.is_ascii_digit());
    let code = text.lines().map(str::trim).find(digits).unwrap();
    post(&server, "verify-email", &json!({ "email": email, "code": code }));
    let came = json!({ "email": email, "password": password, "transport": "bearer" });
    let token = post(&server, "sign-in", &came)["token"].as_str().unwrap().to_owned();
    assert_eq!(server.request("GET", "/api/user/profile", &token, "").2["data"]["email"], json!(email));
}

#[test]
fn a_person_signs_up_by_mail() {
    signs_up_by_mail("mail", 0);
}

#[test]
fn a_mail_that_is_put_off_comes_later() {
    signs_up_by_mail("mail-put-off", 2);
}
