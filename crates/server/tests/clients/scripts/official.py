# The official client's way through signing in: by device, by password, by a code from a mail, with an access token that
# has expired; then its sign-ins, its keys, and out. Arguments: the server's address, an e-mail, a password, the folder of
# mails. Prints what it did, as JSON.
import json
import pathlib
import re
import sys
import time

import httpx
import numberotp
import numberotp._client

address, email, password, mails = sys.argv[1:]
base = f"{address}/v1"


def client(**more):
    return numberotp.NumberOTP(base_url=base, **more)


def expect(code, work):
    try:
        work()
    except numberotp.NumberOTPError as error:
        assert error.code == code, (error.code, code)
        return
    raise AssertionError(f"not refused: {code}")


person = client()
person.auth.sign_in_with_password(email, password, platform="cli", device_name="first")
expect("invalid_grant", lambda: client().auth.sign_in_with_password(email, "wrong", platform="cli"))

# By a code from a mail: whoever has an account comes into it, whoever has none gets one. A code opens once.
def mailed_code(to):
    until = time.monotonic() + 30
    while time.monotonic() < until:
        for file in pathlib.Path(mails).glob("*.eml"):
            mail = file.read_text()
            if f"\nTo: {to}\n" in mail:
                file.unlink()
                return re.search(r"^ *([0-9]{6}) *$", mail, re.MULTILINE).group(1)
        time.sleep(0.02)
    raise AssertionError(f"no mail came to {to}")


ids = {}
for who in [email, "newcomer@example.com"]:
    assert client().auth.send_email_code(email=who)["success"]
    code = mailed_code(who)
    other = f"{(int(code) + 1) % 1_000_000:06}"
    expect("invalid_grant", lambda: client().auth.sign_in_with_email_code(who, other))
    by_mail = client()
    by_mail.auth.sign_in_with_email_code(who, code, name="New Comer", platform="cli", device_name="by mail")
    me = by_mail.account.get()["data"]
    assert me["email"] == who and me["auth"]["kind"] == "person", me
    assert (me["name"] == "New Comer") == (who != email), me
    ids[who] = me["id"]
    expect("invalid_grant", lambda: client().auth.sign_in_with_email_code(who, code))
    by_mail.auth.sign_out()
assert ids[email] == person.account.get()["data"]["id"] and len(set(ids.values())) == 2, ids

# By device: it waits for a person, who looks twice before saying yes.
waited = []
shown = {}


def wait(seconds):
    waited.append(seconds)
    if len(waited) == 3:
        found = person.auth.get_device_sign_in(user_code=shown["user_code"].lower())
        assert found["data"]["device_name"] == "laptop", found
        decided = person.auth.decide_device_sign_in(user_code=shown["user_code"], action="approve")
        assert decided["data"]["status"] == "approved", decided


real_sleep = numberotp._client.time.sleep
numberotp._client.time.sleep = wait
renewed = []
device = client(on_tokens=lambda tokens: renewed.append(tokens))
device.auth.device_login(shown.update, client="cli", device_name="laptop")
numberotp._client.time.sleep = real_sleep
assert waited[0] == 5 and len(waited) == 3, waited
me = device.account.get()["data"]
assert me["email"] == email and me["auth"]["kind"] == "person", me

# Keys: shown once, good at once, gone when deleted; and no key makes others.
made = device.api_keys.create(name="CI", scopes=["read"])["data"]
by_key = client(api_key=made["key"])
assert by_key.account.get()["data"]["auth"] == {"kind": "api_key", "scopes": ["read"]}
expect("SIGNED_IN_PERSON_REQUIRED", lambda: by_key.api_keys.list())
listed = device.api_keys.list()["data"]
assert made["id"] in [key["id"] for key in listed] and made["key"] not in json.dumps(listed)
device.api_keys.delete(id=made["id"])
expect("UNAUTHORIZED", lambda: by_key.account.get())

# The access token expires: the client exchanges its refresh token once and goes on.
before = len(renewed)
token = httpx.post(f"{base}/oauth/token", json={"grant_type": "password", "email": email, "password": password})
headers = {"authorization": f"Bearer {token.json()['access_token']}"}
moved = httpx.post(f"{address}/sandbox/clock", json={"advance": "16m"}, headers=headers, timeout=60)
assert moved.status_code == 200, moved.text
assert device.account.get()["data"]["email"] == email
assert device.account.get()["data"]["email"] == email
exchanged = len(renewed) - before
assert exchanged == 1, exchanged

# Sign-ins: seen, and one of them ended from another.
rows = person.sessions.list()["data"]
first = next(row for row in rows if row["current"])
laptop = next(row for row in rows if row["device_name"] == "laptop")
assert first["device_name"] == "first" and laptop["platform"] == "cli", rows
device.sessions.revoke(id=first["id"])
try:
    person.account.get()
    raise AssertionError("a sign-in that was ended goes on")
except numberotp.NumberOTPError:
    pass

device.auth.sign_out()
rows = httpx.post(f"{base}/oauth/token", json={"grant_type": "password", "email": email, "password": password})
headers = {"authorization": f"Bearer {rows.json()['access_token']}"}
rows = httpx.get(f"{base}/user/sessions", headers=headers).json()["data"]
assert "laptop" not in [row["device_name"] for row in rows], rows
print(json.dumps({"waited": waited, "exchanged": exchanged, "by_mail": len(ids)}))
