//! The real program under those who mean harm: it serves everybody else meanwhile, and its memory does not grow with
//! what they send.

use crate::program::{DEMO_KEY, Folder, Server, json};
use numberotp_testkit::database::skip;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

const RENT: &str = r#"{"service":"telegram","country":"US"}"#;
/// Below a network's share, so that there is room for an honest request from the same address.
const SLOW: usize = 500;
const MANY: usize = 10_000_000;
/// Far more than a request costs, far less than what is sent.
const GROWTH_MOST_KIB: u64 = 48 * 1024;

fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(&server.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream.set_write_timeout(Some(Duration::from_secs(30))).unwrap();
    stream
}

#[test]
fn five_hundred_slow_connections_keep_nobody_from_renting() {
    let folder = Folder::new("slow");
    let mut server = Server::start(&folder, &["--demo", "--sandbox"]);
    let starts = [
        "GET /api/public/prices HTTP/1.1\r\nX-Slow: y".to_owned(),
        "POST /api/webhooks/sms/sandbox HTTP/1.1\r\nHost: a\r\nContent-Length: 9000\r\n\r\n{".to_owned(),
        format!(
            "POST /api/internal/rent HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {DEMO_KEY}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{{"
        ),
        String::new(),
    ];
    let mut slow = Vec::new();
    for number in 0..SLOW {
        let mut stream = connect(&server);
        stream.write_all(starts[number % starts.len()].as_bytes()).unwrap();
        slow.push(stream);
    }
    for _ in 0..10 {
        let begun = Instant::now();
        let (status, _, body) = server.request("POST", "/api/internal/rent", DEMO_KEY, RENT);
        assert_eq!(status, 200, "{body}");
        assert!(begun.elapsed() < Duration::from_secs(5), "a rent took {:?}", begun.elapsed());
    }
    // All of them are cut by the server, within its ten seconds and a little.
    let begun = Instant::now();
    for mut stream in slow {
        let _reset = stream.read_to_end(&mut Vec::new());
    }
    assert!(begun.elapsed() < Duration::from_secs(25), "the last was cut after {:?}", begun.elapsed());
    server.signal("TERM");
    assert_eq!(server.ended(), Some(0));
    let url = format!("sqlite://{}", folder.file("data/numberotp.db"));
    assert_eq!(json(&["audit", "--json", "--database-url", &url])["clean"], true);
}

/// Answers pile up that nobody takes, in the one who asks for prices alone and in the one who asks for other things too.
#[test]
fn whoever_takes_nothing_of_its_answers_does_not_keep_the_database_from_being_closed() {
    let folder = Folder::new("takes-nothing");
    let mut server = Server::start(&folder, &["--demo", "--sandbox"]);
    let held: Vec<TcpStream> = ["/api/public/prices", "/api/public/services"]
        .into_iter()
        .map(|path| {
            let mut stream = connect(&server);
            let requests = format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").repeat(2_000);
            stream.write_all(requests.as_bytes()).unwrap();
            // It has begun to answer.
            stream.peek(&mut [0; 1]).unwrap();
            stream
        })
        .collect();
    server.signal("TERM");
    assert_eq!(server.ended(), Some(0));
    assert!(folder.path().join("data/numberotp.db").exists());
    assert!(!folder.path().join("data/numberotp.db-wal").exists(), "the log is copied and gone");
    drop(held);
}

/// Sends a start and then one byte over and over, until enough or hung up on; what was answered.
fn pour(server: &Server, start: &str, most: usize) -> String {
    let mut stream = connect(server);
    stream.write_all(start.as_bytes()).unwrap();
    let gulp = vec![b'y'; 64 * 1024];
    let mut sent = 0;
    while sent < most && stream.write_all(&gulp[..gulp.len().min(most - sent)]).is_ok() {
        sent += gulp.len();
    }
    let mut answer = Vec::new();
    let _reset = stream.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

#[test]
fn what_is_sent_in_masses_costs_no_memory() {
    let folder = Folder::new("masses");
    let server = Server::start(&folder, &["--demo", "--sandbox"]);
    server.get("/api/public/prices", "");
    let Some(before) = server.memory_peak() else {
        skip("the system does not tell how much memory a process holds");
        return;
    };
    let body = |path: &str, framing: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {DEMO_KEY}\r\nContent-Type: application/json\r\n{framing}\r\n\r\n"
        )
    };
    let sized = format!("Content-Length: {MANY}");
    let chunked = format!("Transfer-Encoding: chunked\r\n\r\n{MANY:x}");
    let inflated = format!("Content-Encoding: gzip\r\nContent-Length: {MANY}");
    let bombs = [
        (body("/api/internal/rent", &sized), MANY, "413"),
        (body("/api/webhooks/sms/sandbox", &sized), MANY, "413"),
        (body("/api/webhooks/sms/sandbox", &chunked).trim_end().to_owned() + "\r\n", MANY, "413"),
        (body("/api/internal/rent", &inflated), MANY, "415"),
        ("GET / HTTP/1.1\r\nX-Long: ".to_owned(), MANY, "431"),
        (format!("GET / HTTP/1.1\r\n{}", "X-Many: y\r\n".repeat(10_000)), 0, "431"),
    ];
    std::thread::scope(|scope| {
        for _ in 0..8 {
            for (start, most, status) in &bombs {
                let server = &server;
                scope.spawn(move || {
                    let answer = pour(server, start, *most);
                    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{status}: {answer}");
                });
            }
        }
    });
    let after = server.memory_peak().unwrap();
    assert!(after < before + GROWTH_MOST_KIB, "from {before} to {after} KiB");
    server.get("/api/internal/balance", DEMO_KEY);
}
