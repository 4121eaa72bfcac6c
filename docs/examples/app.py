"""A sign-up with a code by SMS: the app under test. Stands for yours; Python's standard library is all it needs.

Start it with `python3 app.py`. SMS_URL and SMS_KEY say where it hands its messages over: to your SMS provider in
production, to the sandbox in tests. Nothing else in it knows that it is being tested.
"""

import hmac
import json
import os
import secrets
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs
from urllib.request import Request, urlopen

SMS_URL = os.environ.get("SMS_URL", "http://127.0.0.1:8080/sandbox/messages")
SMS_KEY = os.environ.get("SMS_KEY", "notp_SandboxDemoKeyOnlyForTesting000H6vHm")

PAGE = "<!doctype html><html lang=en><title>Acme</title><h1>Acme</h1>{}</html>"
ASK_NUMBER = "<form method=post action=/number><label>Phone number <input name=number></label><button>Send code</button></form>"
ASK_CODE = "<form method=post action=/code><label>Code <input name=code></label><button>Sign up</button></form>"

# The code that each number has to type. A real app would forget it after a while.
expected = {}


def send_sms(number, text):
    """Hands one message over to whoever delivers it."""
    body = json.dumps({"to": number, "from": "Acme", "text": text}).encode()
    headers = {"Authorization": f"Bearer {SMS_KEY}", "Content-Type": "application/json"}
    urlopen(Request(SMS_URL, body, headers), timeout=10).close()


class App(BaseHTTPRequestHandler):
    def do_GET(self):
        self.show(ASK_NUMBER)

    def do_POST(self):
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        typed = {name: values[0].strip() for name, values in form.items()}
        if self.path == "/number":
            number = typed["number"]
            expected[number] = f"{secrets.randbelow(10**6):06}"
            send_sms(number, f"Your Acme code is {expected[number]}")
            self.show(ASK_CODE, number)
        else:
            number = self.headers.get("Cookie", "").removeprefix("number=")
            right = hmac.compare_digest(typed["code"].encode(), expected.get(number, "-").encode())
            self.show("<p>You are signed up.</p>" if right else "<p>Wrong code.</p>" + ASK_CODE)

    def show(self, content, number=None):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        if number:
            self.send_header("Set-Cookie", f"number={number}; HttpOnly; SameSite=Strict")
        self.end_headers()
        self.wfile.write(PAGE.format(content).encode())

    def log_message(self, *_):
        """Numbers and codes stay out of the log."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "0"))), App)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
