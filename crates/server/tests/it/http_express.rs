//! Prices on the express way: whoever asks for them from a socket gets what the router would have answered, whatever else
//! the connection asks for before and after.

use crate::http_stage::{RENT, telegram};
use crate::http_wire::Wire;
use numberotp_core::time::Span;
use numberotp_server::config::OnOff;
use numberotp_server::store::number::Sharing;
use numberotp_testkit::app::{Gateway, Setup, Sim, TestApp, in_sandbox, with_app};

const LINE: &str = "GET /api/public/prices HTTP/1.1";
/// A field that the express way does not know: such a request goes the way of all others.
const DETOUR: &str = "X-Detour: yes\r\n";
/// Fields that say when and which, and so differ from one answer to the next.
const EACH_ITS_OWN: [&str; 2] = ["date", "x-request-id"];

/// An answer as its first line, its fields in order, its body.
#[derive(PartialEq, Eq, Debug)]
struct Seen {
    line: String,
    fields: Vec<(String, String)>,
    body: String,
}

impl Seen {
    fn of(answer: &str) -> Self {
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
        let (line, fields) = head.split_once("\r\n").unwrap_or_default();
        let field = |line: &str| {
            let (name, value) = line.split_once(": ").unwrap_or((line, ""));
            let own = EACH_ITS_OWN.contains(&name);
            (name.to_owned(), if own { format!("{} characters", value.len()) } else { value.to_owned() })
        };
        let mut fields: Vec<_> = fields.lines().map(field).collect();
        fields.sort();
        Self { line: line.to_owned(), fields, body: body.to_owned() }
    }

    fn field(&self, name: &str) -> &str {
        self.fields.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }
}

fn request(line: &str, fields: &str) -> String {
    format!("{line}\r\nHost: localhost\r\n{fields}\r\n")
}

/// What a fresh connection is answered.
async fn asked(app: &TestApp<'_>, line: &str, fields: &str) -> Seen {
    Seen::of(&Wire::open(app).await.ask(&request(line, fields)).await)
}

#[test]
fn the_answer_is_the_one_of_the_other_way() {
    in_sandbox(async |app| {
        let etag = asked(app, LINE, DETOUR).await.field("etag").to_owned();
        let packed = asked(app, LINE, &format!("Accept-Encoding: gzip\r\n{DETOUR}")).await;
        let known = format!("If-None-Match: {etag}\r\n");
        let known_packed =
            format!("Accept-Encoding: gzip\r\nIf-None-Match: W/\"x\", {}\r\n", packed.field("etag"));
        for target in [
            "/api/public/prices",
            "/api/public/prices?",
            "/api/public/prices?country=US",
            "/api/public/prices?service=telegram&country=gb&country=US",
            "/api/public/prices?service=tele%67ram",
            "/api/public/prices?service=nothing-of-ours",
            "/api/public/prices?country=",
            "/api/public/prices?more=1&%FF",
        ] {
            for fields in [
                "",
                "Accept: */*\r\nUser-Agent: test\r\nConnection: keep-alive\r\n",
                "Accept-Encoding: gzip, deflate, br\r\n",
                "Accept-Encoding: gzip;q=0\r\n",
                "Origin: https://shop.example\r\nReferer: https://shop.example/\r\n",
                "Authorization: Bearer nothing\r\nCookie: a=b\r\n",
                "If-None-Match: *\r\n",
                &known,
                &known_packed,
            ] {
                let line = format!("GET {target} HTTP/1.1");
                let express = asked(app, &line, fields).await;
                let other = asked(app, &line, &format!("{fields}{DETOUR}")).await;
                let less = |seen: &Seen, by: i64| {
                    let left: i64 = seen.field("x-ratelimit-remaining").parse().unwrap();
                    left - by
                };
                assert_eq!(less(&express, 1), less(&other, 0), "one more was counted: {line} {fields}");
                let same = |seen: Seen| Seen {
                    fields: seen
                        .fields
                        .into_iter()
                        .filter(|(name, _)| name != "x-ratelimit-remaining")
                        .collect(),
                    ..seen
                };
                assert_eq!(same(express), same(other), "{line} {fields}");
            }
        }
        let unmodified = asked(app, LINE, &known).await;
        assert_eq!((unmodified.line.as_str(), unmodified.body.as_str()), ("HTTP/1.1 304 Not Modified", ""));
        assert_eq!(asked(app, LINE, "Accept-Encoding: gzip\r\n").await.field("content-encoding"), "gzip");
    });
}

#[test]
fn a_connection_asks_for_prices_and_for_anything_else_in_any_order() {
    in_sandbox(async |app| {
        let customer = app.account(100, 0).await;
        let mut wire = Wire::open(app).await;
        let wish = telegram().to_string();
        let buy = format!(
            "POST {RENT} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{wish}",
            customer.key,
            wish.len()
        );
        let prices = request(LINE, "");
        for (ask, line) in [
            (&*prices, "HTTP/1.1 200 OK"),
            (&prices, "HTTP/1.1 200 OK"),
            (&buy, "HTTP/1.1 200 OK"),
            (&prices, "HTTP/1.1 200 OK"),
            ("GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1 404 Not Found"),
            (&prices, "HTTP/1.1 200 OK"),
        ] {
            let answer = wire.ask(ask).await;
            assert_eq!(Seen::of(&answer).line, line, "{ask}: {answer}");
        }
    });
}

#[test]
fn requests_in_pieces_and_several_at_once_are_each_answered_once() {
    in_sandbox(async |app| {
        let prices = request(LINE, "");
        let last = request(LINE, "Connection: close\r\n");
        let (half, rest) = prices.split_at(30);
        for pieces in [
            vec![prices.repeat(3), last.clone()],
            vec![format!("{prices}{half}"), format!("{rest}{last}")],
            vec![half.to_owned(), format!("{rest}{last}")],
            vec![prices.clone(), prices.clone(), last.clone()],
        ] {
            let expected = pieces.concat().matches(LINE).count();
            let mut wire = Wire::open(app).await;
            for piece in &pieces {
                wire.send(piece).await;
            }
            let answers = wire.rest().await;
            assert_eq!(answers.matches("HTTP/1.1 200 OK\r\n").count(), expected, "{pieces:?}");
            assert_eq!(answers.matches("HTTP/1.1 ").count(), expected, "{pieces:?}");
        }
    });
}

/// A body that looks like a request is a body: the next request begins behind it.
#[test]
fn what_stands_in_a_body_is_never_a_request() {
    in_sandbox(async |app| {
        let hidden = request("GET /nowhere HTTP/1.1", "");
        let last = request(LINE, "Connection: close\r\n");
        let chunked = format!("{:x}\r\n{hidden}\r\n0\r\n\r\n", hidden.len());
        let sized = format!("Content-Length: {}\r\n", hidden.len());
        for (framing, body) in [(sized.as_str(), &hidden), ("Transfer-Encoding: chunked\r\n", &chunked)] {
            let mut wire = Wire::open(app).await;
            wire.send(format!("{}{body}{last}", request(LINE, framing))).await;
            let answers = wire.rest().await;
            assert_eq!(answers.matches("HTTP/1.1 200 OK\r\n").count(), 2, "{framing}: {answers}");
            assert!(!answers.contains(" 404 "), "{framing}: {answers}");
        }
        // Two lengths, or a length and chunks, are nobody's request.
        for framing in ["Content-Length: 3\r\nContent-Length: 4\r\n", "Content-Length: x\r\n"] {
            let mut wire = Wire::open(app).await;
            wire.send(format!("{}abcd", request(LINE, framing))).await;
            assert!(wire.rest().await.starts_with("HTTP/1.1 400 "), "{framing}");
        }
    });
}

#[test]
fn both_ways_count_together_and_one_too_many_is_told_in_whole() {
    with_app(Setup::sandbox().flagged(|flags| flags.rate_limits = Some(OnOff::On)), async |app| {
        let mut wire = Wire::open(app).await;
        for turn in 1..=100 {
            let seen = if turn % 2 == 0 {
                asked(app, LINE, DETOUR).await
            } else {
                Seen::of(&wire.ask(&request(LINE, "")).await)
            };
            assert_eq!(
                (seen.line.as_str(), seen.field("x-ratelimit-remaining")),
                ("HTTP/1.1 200 OK", &*(100 - turn).to_string())
            );
        }
        let refused = Seen::of(&wire.ask(&request(LINE, "")).await);
        assert_eq!(refused.line, "HTTP/1.1 429 Too Many Requests");
        assert_eq!((refused.field("x-ratelimit-remaining"), refused.field("retry-after")), ("0", "60"));
        assert!(refused.body.contains("RATE_LIMITED"), "{}", refused.body);
    });
}

#[test]
fn a_change_of_the_catalog_is_seen_by_a_connection_that_stays() {
    in_sandbox(async |app| {
        let mut wire = Wire::open(app).await;
        let before = Seen::of(&wire.ask(&request(LINE, "")).await);
        let known = format!("If-None-Match: {}\r\n", before.field("etag"));
        assert_eq!(Seen::of(&wire.ask(&request(LINE, &known)).await).line, "HTTP/1.1 304 Not Modified");
        app.own_gateway(&Gateway {
            code: "modems",
            country: "GB",
            sims: &[Sim { number: "+447700900901", operator: "ee", sharing: Sharing::Exclusive }],
            offers: &[("telegram", 3, 12_300)],
        })
        .await;
        let after = Seen::of(&wire.ask(&request(LINE, &known)).await);
        assert_eq!(after.line, "HTTP/1.1 200 OK");
        assert_ne!(after.body, before.body);
    });
}

#[test]
fn the_date_is_the_machines_whichever_way_it_goes() {
    in_sandbox(async |app| {
        let mut dates = Vec::new();
        for fields in [DETOUR, "", DETOUR] {
            let answer = Wire::open(app).await.ask(&request(LINE, fields)).await;
            let date = answer.lines().find_map(|line| line.strip_prefix("date: ")).map(str::to_owned);
            dates.push(httpdate::parse_http_date(&date.unwrap_or_default()).unwrap());
        }
        assert!(dates.is_sorted(), "{dates:?}");
    });
}

/// So short that a test can wait for it, so long that an honest request is quicker.
const SHORT: Span = Span::millis(400);

#[test]
fn who_is_silent_after_an_answer_is_left() {
    with_app(Setup::sandbox().adjusted(|settings| settings.idle_within = SHORT), async |app| {
        let mut wire = Wire::open(app).await;
        for _ in 0..2 {
            assert_eq!(Seen::of(&wire.ask(&request(LINE, "")).await).line, "HTTP/1.1 200 OK");
        }
        assert_eq!(wire.rest().await, "", "the connection ends by itself");
    });
}

#[test]
fn a_stop_ends_connections_that_are_silent() {
    in_sandbox(async |app| {
        let (mut fresh, mut used) = (Wire::open(app).await, Wire::open(app).await);
        assert_eq!(Seen::of(&used.ask(&request(LINE, "")).await).line, "HTTP/1.1 200 OK");
        app.context().stopping.cancel();
        assert_eq!((used.rest().await, fresh.rest().await), (String::new(), String::new()));
    });
}

#[test]
fn what_is_answered_here_is_counted_like_all_else() {
    const TOKEN: &str = "metrics-token-of-a-test";
    with_app(Setup::sandbox().flagged(|flags| flags.metrics_token = Some(TOKEN.to_owned())), async |app| {
        for fields in ["", DETOUR, "If-None-Match: *\r\n"] {
            asked(app, LINE, fields).await;
        }
        let answer = app.get("/metrics").bearer(TOKEN).send().await;
        let count = |class: &str| {
            let labels = format!("route=\"/api/public/prices\",method=\"GET\",class=\"{class}\"");
            let line = format!("numberotp_http_request_seconds_count{{{labels}}} ");
            answer.text().lines().find_map(|found| found.strip_prefix(&line)?.parse::<u32>().ok())
        };
        assert_eq!((count("2xx"), count("3xx")), (Some(2), Some(1)), "{}", answer.text());
    });
}
