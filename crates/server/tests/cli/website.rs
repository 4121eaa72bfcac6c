//! A website's sessions as an operator sets them up: in the settings' file or by flags, and what is told when that is
//! wrong. The tokens are of the npm packages, made long ago and good for long.

use crate::program::{Folder, Server, fails};

const TOKENS: &str = include_str!("../../../core/tests/vectors/authjs_own.tsv");

/// Name, family, secret, cookie and token of one row.
fn row(name: &str) -> [&'static str; 5] {
    let line = TOKENS.lines().find(|line| line.split('\t').next() == Some(name)).unwrap();
    line.split('\t').collect::<Vec<_>>().try_into().unwrap()
}

#[test]
fn the_settings_file_lets_a_websites_visitors_in() {
    let folder = Folder::new("website-file");
    let (old, renamed) = (row("v4-plain"), row("v5-unicode-shop-session"));
    let settings = format!(
        "sandbox = true\nauthjs-secrets = \"{} {}\"\nauthjs-cookies = \"shop-session\"\nauthjs-create-accounts = true\n",
        renamed[2],
        old[2].replace(' ', "_"),
    );
    std::fs::write(folder.path().join("otp.toml"), settings).unwrap();
    let server = Server::start(&folder, &["--config", &folder.file("otp.toml")]);
    let profile = server.get("/api/user/profile", renamed[4]);
    assert_eq!(profile["data"]["email"], "ada@example.com");
    // Spaces part secrets, so that this one's is another.
    let (status, _, refused) = server.request("GET", "/api/user/profile", old[4], "");
    assert_eq!((status, &refused["code"]), (401, &"UNAUTHORIZED".into()), "{refused}");
}

#[test]
fn a_set_up_that_cannot_work_is_refused_with_a_sentence() {
    for (flags, word) in [
        (["--authjs-cookies", "shop-session"], "--authjs-secrets"),
        (["--authjs-schema", "prisma"], "--authjs-database-url"),
        (["--authjs-database-url", "sqlite://x.db"], "PostgreSQL"),
        (["--authjs-create-accounts", "true"], "--authjs-secrets"),
        (["--authjs-signed", "HS256"], "--authjs-secrets"),
        (["--authjs-signed", "none"], "HS256"),
        (["--authjs-signed", "RS256"], "HS256"),
    ] {
        let said = fails(2, &["serve", "--sandbox", flags[0], flags[1]]);
        assert!(said.contains(word), "{flags:?}: {said}");
    }
}
