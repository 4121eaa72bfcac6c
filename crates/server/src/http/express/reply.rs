//! Writes the head of an answer that is ready: the fields that the frame would give it, in the form that hyper would.

use super::super::ready::Chosen;
use numberotp_core::limits::Quota;
use std::fmt::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Room for a head; most are about 500 bytes.
const HEAD: usize = 640;

/// The head of an answer, written anew for each one into the same room.
pub(super) struct Head {
    text: String,
    date: Date,
}

impl Head {
    pub(super) fn new() -> Self {
        Self { text: String::new(), date: Date::default() }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// Writes the head of an answer: with where the caller's network stands, the fields for a page of another origin if one
    /// asks, and the request's id. The time is the machine's, as hyper's is.
    pub(super) fn write(
        &mut self,
        chosen: &Chosen<'_>,
        (quota, cors, id): (Quota, &str, &str),
        unix_seconds: i64,
    ) {
        let Self { text, date } = self;
        text.clear();
        text.reserve(HEAD);
        match chosen.body {
            Some(_) => text.push_str("HTTP/1.1 200 OK\r\netag: "),
            None => text.push_str("HTTP/1.1 304 Not Modified\r\netag: "),
        }
        // A tag is made of visible ASCII.
        text.push_str(chosen.etag.to_str().unwrap_or_default());
        text.push_str("\r\nvary: accept-encoding\r\ncache-control: public, max-age=0, must-revalidate\r\n");
        if chosen.body.is_some() {
            text.push_str("content-type: application/json\r\n");
            if chosen.gzip {
                text.push_str("content-encoding: gzip\r\n");
            }
        }
        // Writing to a string cannot fail.
        let _infallible = write!(
            text,
            "x-ratelimit-limit: {}\r\nx-ratelimit-remaining: {}\r\nx-ratelimit-reset: {}\r\n",
            quota.limit,
            quota.remaining,
            quota.reset_unix()
        );
        text.push_str(cors);
        text.push_str("x-request-id: ");
        text.push_str(id);
        text.push_str("\r\nx-content-type-options: nosniff\r\n");
        if let Some(body) = chosen.body {
            let _infallible = write!(text, "content-length: {}\r\n", body.len());
        }
        text.push_str("date: ");
        text.push_str(date.at(unix_seconds));
        text.push_str("\r\n\r\n");
    }
}

/// The date as HTTP has it, made once a second.
#[derive(Default)]
struct Date {
    second: i64,
    text: String,
}

impl Date {
    fn at(&mut self, second: i64) -> &str {
        if second != self.second || self.text.is_empty() {
            let since = Duration::from_secs(u64::try_from(second).unwrap_or_default());
            let time = UNIX_EPOCH.checked_add(since).unwrap_or(SystemTime::UNIX_EPOCH);
            self.text = httpdate::fmt_http_date(time);
            self.second = second;
        }
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_is_that_of_the_second() {
        let mut date = Date::default();
        assert_eq!(date.at(0), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(date.at(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(date.at(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(date.at(784_111_778), "Sun, 06 Nov 1994 08:49:38 GMT");
    }
}
