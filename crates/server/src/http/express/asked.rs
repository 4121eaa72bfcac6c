//! Reads a request for prices out of the bytes that came, if it is one of the plain kind: a whole head and nothing after
//! it, no body, no field that could mean more than is understood here.
//!
//! Guards that nothing is answered here that another reader of HTTP would see differently: whatever is not on the lists
//! below is for hyper, which parses with the same library.

use super::super::extract::Query;
use std::mem::MaybeUninit;

/// The one address that is answered here.
const ADDRESS: &str = "/api/public/prices";
/// How such a request begins.
const BEGINS: &[u8] = b"GET /api/public/prices";
/// Most header fields.
const FIELDS_MOST: usize = 32;

/// Fields that change nothing about this answer.
const IGNORED: [&str; 29] = [
    "host",
    "user-agent",
    "accept",
    "accept-language",
    "accept-charset",
    "authorization",
    "cookie",
    "cache-control",
    "pragma",
    "referer",
    "dnt",
    "priority",
    "sec-fetch-site",
    "sec-fetch-mode",
    "sec-fetch-dest",
    "sec-fetch-user",
    "sec-ch-ua",
    "sec-ch-ua-mobile",
    "sec-ch-ua-platform",
    "sec-gpc",
    "upgrade-insecure-requests",
    "x-forwarded-proto",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-real-ip",
    "via",
    "traceparent",
    "tracestate",
    "x-request-id",
];

/// A request for prices.
#[derive(Default)]
pub(super) struct Asked<'a> {
    /// The address as it was sent.
    target: &'a str,
    /// `Accept-Encoding`.
    pub(super) accept_encoding: Option<&'a str>,
    /// `If-None-Match`.
    pub(super) if_none_match: Option<&'a str>,
    /// `X-Forwarded-For`.
    pub(super) forwarded_for: Option<&'a str>,
    /// Whether a page of another origin asks.
    pub(super) origin: Option<&'a str>,
    connection: Option<&'a str>,
}

impl<'a> Asked<'a> {
    /// The request that these bytes are, whole and alone; `None`: they are for hyper.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        if !bytes.starts_with(BEGINS) {
            return None;
        }
        let mut fields = [const { MaybeUninit::uninit() }; FIELDS_MOST];
        let mut request = httparse::Request::new(&mut []);
        let httparse::Status::Complete(length) =
            request.parse_with_uninit_headers(bytes, &mut fields).ok()?
        else {
            return None;
        };
        let target = request.path.filter(|target| is_prices(target))?;
        if length != bytes.len() || request.version != Some(1) {
            return None;
        }
        let mut asked = Self { target, ..Self::default() };
        request.headers.iter().try_for_each(|field| asked.take(field))?;
        asked.connection.is_none_or(|said| said.eq_ignore_ascii_case("keep-alive")).then_some(asked)
    }

    /// What it asks for; `None`: no address that hyper would take either.
    pub(super) fn query(&self) -> Option<Query> {
        Query::of_target(self.target)
    }

    /// `None`: a field that is not known here, or is given twice.
    fn take(&mut self, field: &httparse::Header<'a>) -> Option<()> {
        let is = |name: &&str| name.eq_ignore_ascii_case(field.name);
        if IGNORED.iter().any(is) {
            return Some(());
        }
        let known = [
            ("accept-encoding", &mut self.accept_encoding),
            ("if-none-match", &mut self.if_none_match),
            ("connection", &mut self.connection),
            ("origin", &mut self.origin),
            ("x-forwarded-for", &mut self.forwarded_for),
        ];
        let (_, place) = known.into_iter().find(|(name, _)| is(name))?;
        let text = std::str::from_utf8(field.value).ok()?;
        let plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        (plain && place.replace(text).is_none()).then_some(())
    }
}

fn is_prices(target: &str) -> bool {
    target.strip_prefix(ADDRESS).is_some_and(|rest| rest.is_empty() || rest.starts_with('?'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str, fields: &str) -> bool {
        Asked::read(format!("{line}\r\n{fields}\r\n").as_bytes()).is_some()
    }

    const LINE: &str = "GET /api/public/prices HTTP/1.1";

    #[test]
    fn a_plain_request_is_read_with_what_it_says() {
        let bytes = b"GET /api/public/prices?country=US HTTP/1.1\r\nHost: a\r\nACCEPT-encoding: gzip, br\r\n\
              if-none-match: \"x\"\r\nOrigin: https://shop.example\r\nX-Forwarded-For: 192.0.2.1, 10.0.0.1\r\n\
              Connection: Keep-Alive\r\n\r\n";
        let asked = Asked::read(bytes).unwrap();
        assert_eq!(asked.query().unwrap().get("country").as_deref(), Some("US"));
        assert_eq!((asked.accept_encoding, asked.if_none_match), (Some("gzip, br"), Some("\"x\"")));
        assert_eq!(
            (asked.origin, asked.forwarded_for),
            (Some("https://shop.example"), Some("192.0.2.1, 10.0.0.1"))
        );
        assert!(read(LINE, "") && read(LINE, "user-agent: curl/8\r\naccept: */*\r\n"));
    }

    #[test]
    fn whatever_could_mean_more_is_for_hyper() {
        for line in [
            "HEAD /api/public/prices HTTP/1.1",
            "get /api/public/prices HTTP/1.1",
            "POST /api/public/prices HTTP/1.1",
            "GET /api/public/prices HTTP/1.0",
            "GET /api/public/prices HTTP/2.0",
            "GET /api/public/prices/ HTTP/1.1",
            "GET /api/public/pricesX HTTP/1.1",
            "GET /api/public/prices#a HTTP/1.1",
            "GET /api/public/services HTTP/1.1",
            "GET http://a/api/public/prices HTTP/1.1",
            "GET  /api/public/prices HTTP/1.1",
            "GET /api/public/prices",
        ] {
            assert!(!read(line, "host: a\r\n"), "{line}");
        }
        for fields in [
            "content-length: 0\r\n",
            "Content-Length: 5\r\n",
            "transfer-encoding: chunked\r\n",
            "connection: close\r\n",
            "connection: keep-alive, upgrade\r\n",
            "connection: keep-alive\r\nconnection: close\r\n",
            "upgrade: h2c\r\n",
            "expect: 100-continue\r\n",
            "te: trailers\r\n",
            "keep-alive: timeout=5\r\n",
            "x-anything: 1\r\n",
            "if-none-match: \"a\"\r\nif-none-match: \"b\"\r\n",
            "accept-encoding: gz\u{ef}p\r\n",
            "host : a\r\n",
            " folded: a\r\n",
            "accept: a\r\n folded\r\n",
        ] {
            assert!(!read(LINE, fields), "{fields}");
        }
        let many: String = (0..=FIELDS_MOST).map(|_| "accept: a\r\n").collect();
        assert!(!read(LINE, &many), "more fields than are looked at");
    }

    #[test]
    fn half_a_head_and_a_head_with_more_behind_it_are_for_hyper() {
        let whole = format!("{LINE}\r\nhost: a\r\n\r\n");
        assert!(Asked::read(whole.as_bytes()).is_some());
        for length in 0..whole.len() {
            assert!(Asked::read(&whole.as_bytes()[..length]).is_none(), "{length} bytes");
        }
        assert!(Asked::read(format!("{whole}G").as_bytes()).is_none());
        assert!(Asked::read(whole.repeat(2).as_bytes()).is_none());
    }
}
