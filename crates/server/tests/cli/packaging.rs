//! What is packaged says what the program understands: the systemd unit, the container's file, and the words that a
//! service manager and a health check are told. What is left out of the container's build is nothing that it needs.

use crate::program::{Folder, Server, fails, numberotp, run};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

const MASTER: &str = "q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k=";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn packaged(name: &str) -> String {
    std::fs::read_to_string(root().join("packaging").join(name)).unwrap()
}

/// The variables that a text names.
fn variables(text: &str) -> BTreeSet<String> {
    let names = text.split(|c: char| !(c.is_ascii_uppercase() || c == '_'));
    names
        .filter(|name| name.starts_with("NUMBEROTP_"))
        .map(|name| name.trim_end_matches('_').to_owned())
        .collect()
}

#[test]
fn every_variable_that_is_packaged_or_written_about_is_one_of_the_programs() {
    let commands = [&["serve"][..], &["provider", "add"], &["provider", "rotate"], &["account", "create"]];
    let help = |words: &[&str]| String::from_utf8(run(&[words, &["--help"]].concat()).stdout).unwrap();
    let known: BTreeSet<String> = commands.into_iter().flat_map(|words| variables(&help(words))).collect();
    assert!(known.len() > 20, "{known:?}");
    let page = |name: &str| std::fs::read_to_string(root().join("docs").join(name)).unwrap();
    for (name, text) in [
        ("the unit", packaged("numberotp.service")),
        ("the container", packaged("Containerfile")),
        ("commands.md", page("commands.md")),
        ("operating.md", page("operating.md")),
        ("scaling.md", page("scaling.md")),
    ] {
        let strange: Vec<String> = variables(&text).difference(&known).cloned().collect();
        assert_eq!(strange, [""; 0], "{name}");
    }
}

#[test]
fn the_unit_is_one_that_systemd_understands() {
    let unit = packaged("numberotp.service");
    for line in [
        "Type=notify",
        "ProtectSystem=strict",
        "ReadOnlyPaths=/run",
        "NoNewPrivileges=yes",
        "Restart=on-failure",
        "StartLimitIntervalSec=0",
        "UMask=0077",
    ] {
        assert!(unit.lines().any(|known| known == line), "{line}");
    }
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        numberotp_testkit::database::skip("systemd-analyze is not here: the unit is not verified");
        return;
    }
    let folder = Folder::new("unit");
    // The program lies elsewhere here: everything else is as it is shipped.
    let here = unit.replace("/usr/local/bin/numberotp", env!("CARGO_BIN_EXE_numberotp"));
    let file = folder.file("numberotp.service");
    std::fs::write(&file, here).unwrap();
    let output = Command::new("systemd-analyze").args(["verify", "--man=no", &file]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let about: Vec<&str> = said.lines().filter(|line| line.contains("numberotp")).collect();
    assert!(about.is_empty(), "{said}");
}

/// No container is built here: there may be no engine. What can be read is held against the program.
#[test]
fn the_containers_file_has_two_stages_no_root_and_commands_that_exist() {
    let text = packaged("Containerfile").replace("\\\n", " ");
    let lines: Vec<&str> =
        text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()).collect();
    let of = |word: &str| -> Vec<&str> {
        lines.iter().filter_map(|line| line.strip_prefix(word)).map(str::trim).collect()
    };
    let stages = of("FROM ");
    assert!(stages.len() == 2 && stages[0].ends_with("AS build"), "{stages:?}");
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let rust =
        manifest.lines().find_map(|line| line.strip_prefix("rust-version = ")).unwrap().trim_matches('"');
    assert!(stages[0].contains(&format!("rust:{rust}-")), "{} is not {rust}", stages[0]);
    assert!(manifest.contains("[profile.dist]"));
    let user = of("USER ");
    assert!(user.len() == 1 && !user[0].starts_with('0') && !user[0].starts_with("root"), "{user:?}");
    let last = lines.iter().position(|line| line.starts_with("FROM gcr")).unwrap();
    assert!(lines[last..].iter().all(|line| !line.starts_with("RUN")), "there is no shell to run anything");
    assert!(
        lines[last..]
            .iter()
            .filter(|line| line.starts_with("COPY"))
            .all(|line| line.contains("--from=build"))
    );
    let list = |text: &str| -> Vec<String> { serde_json::from_str(text).unwrap() };
    let check = of("HEALTHCHECK ")[0].split_once("CMD ").unwrap().1;
    for words in [list(check), [list(of("ENTRYPOINT ")[0]), list(of("CMD ")[0])].concat()] {
        assert_eq!(words[0], "/usr/local/bin/numberotp");
        assert!(run(&[words[1].as_str(), "--help"]).status.success(), "{words:?}");
    }
    // Without a key it does not start: its file says nothing of a mode, so it would be production.
    let folder = Folder::new("container");
    let file = folder.file("container.toml");
    let settings = packaged("container.toml").replace("/data/", &format!("{}/", folder.path().display()));
    std::fs::write(&file, settings.replace(":8080", ":0")).unwrap();
    let output = numberotp(&["serve"]).env("NUMBEROTP_CONFIG", &file).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(2) && said.contains("master key"), "{said}");
}

/// A variable wins over the file, so one that is packaged would silently undo what an operator writes there.
#[test]
fn what_is_packaged_sets_no_variable_that_would_hide_a_setting_of_the_file() {
    let file_and_key = ["NUMBEROTP_CONFIG", "NUMBEROTP_MASTER_KEY_FILE"].map(str::to_owned);
    let set = |name: &str| -> BTreeSet<String> {
        let text = packaged(name).replace("\\\n", " ");
        let lines = text.lines().filter(|line| line.starts_with("Environment=") || line.starts_with("ENV "));
        lines.flat_map(variables).collect()
    };
    assert_eq!(set("numberotp.service"), BTreeSet::from(file_and_key.clone()));
    assert_eq!(set("Containerfile"), BTreeSet::from([file_and_key[0].clone()]));
}

#[test]
fn the_settings_that_are_shown_and_shipped_are_ones_that_the_program_reads() {
    let page = std::fs::read_to_string(root().join("docs/operating.md")).unwrap();
    let sample = page.split_once("```toml\n").unwrap().1.split_once("```").unwrap().0;
    let sample: String = sample.lines().map(|line| format!("{}\n", line.trim())).collect();
    let folder = Folder::new("settings");
    let place = folder.path().display().to_string();
    for (text, known) in [(sample, "/var/lib/numberotp"), (packaged("container.toml"), "/data")] {
        assert!(text.contains(known) && text.contains("log-format = \"json\""), "{text}");
        let file = folder.file("numberotp.toml");
        std::fs::write(&file, text.replace(known, &place)).unwrap();
        let output = run(&["doctor", "--json", "--config", &file]);
        let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(found["findings"][0]["ok"], true, "{found}");
        assert!(found["findings"][2]["says"].as_str().unwrap().contains(&place), "{found}");
    }
}

/// Whether a list of what a build leaves out leaves this path out. The last line that fits decides, as for the engines.
fn left_out(list: &str, path: &str) -> bool {
    let fits = |pattern: &str| {
        let (any_depth, pattern) = match pattern.strip_prefix("**/") {
            Some(rest) => (true, rest),
            None => (false, pattern),
        };
        let wanted: Vec<&str> = pattern.split('/').collect();
        let parts: Vec<&str> = path.split('/').collect();
        let starts = if any_depth { parts.len() } else { 1 };
        (0..starts).any(|start| {
            let here = &parts[start..];
            here.len() >= wanted.len()
                && wanted.iter().zip(here).all(|(wanted, part)| *wanted == "*" || wanted == part)
        })
    };
    list.lines().fold(false, |out, line| match line.strip_prefix('!') {
        Some(pattern) if fits(pattern) => false,
        None if fits(line) => true,
        _ => out,
    })
}

/// The Rust files under a folder.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The files of the repository that the program is built with beside its code, by their paths from the root.
fn included() -> BTreeSet<String> {
    let root = root().canonicalize().unwrap();
    let mut files = Vec::new();
    for name in std::fs::read_dir(root.join("crates")).unwrap() {
        sources(&name.unwrap().path().join("src"), &mut files);
    }
    let mut found = BTreeSet::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        for word in ["include_str!(\"", "include_bytes!(\""] {
            for rest in text.split(word).skip(1) {
                let named = file.parent().unwrap().join(rest.split('"').next().unwrap());
                let path = named.canonicalize().unwrap();
                found.insert(path.strip_prefix(&root).unwrap().display().to_string());
            }
        }
    }
    found
}

#[test]
fn a_container_is_built_with_everything_that_the_program_includes() {
    let list = std::fs::read_to_string(root().join(".containerignore")).unwrap();
    let other = std::fs::read_to_string(root().join(".dockerignore")).unwrap();
    assert_eq!(list, other, ".dockerignore is for engines that do not read .containerignore");

    let included = included();
    let beyond: Vec<&String> = included.iter().filter(|path| !path.starts_with("crates/")).collect();
    assert!(beyond.iter().any(|path| path.starts_with("docs/errors/")), "{beyond:?}");
    assert!(beyond.iter().any(|path| path.starts_with("migrations/")), "{beyond:?}");
    let missing: Vec<&String> = included.iter().filter(|path| left_out(&list, path)).collect();
    assert!(missing.is_empty(), "the build would not find {missing:?}");

    for path in
        ["docs/generated/openapi.json", "docs/a.md", "target/debug/x", "data/a.db", "master.key", ".git/HEAD"]
    {
        assert!(left_out(&list, path), "{path} is not needed");
    }
    assert!(left_out(&list, "xtask/clients/node_modules/a.js") && !left_out(&list, "crates/core/data/a.tsv"));
}

#[test]
fn the_service_manager_is_told_when_it_serves_and_when_it_stops() {
    let folder = Folder::new("notify");
    let socket = UnixDatagram::bind(folder.file("notify")).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    std::fs::write(folder.file("master.key"), format!("{MASTER}\n")).unwrap();
    let ready = folder.file("ready");
    let mut child = numberotp(&["serve", "--listen", "127.0.0.1:0", "--no-sandbox", "--ready-file", &ready])
        .args(["--log-format", "json", "--master-key-file", &folder.file("master.key")])
        .env("NOTIFY_SOCKET", folder.file("notify"))
        .current_dir(folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let hear = || {
        let mut bytes = [0; 64];
        let length = socket.recv(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes[..length]).trim().to_owned()
    };
    assert_eq!(hear(), "READY=1");
    let address = std::fs::read_to_string(&ready).expect("it serves when it says so");
    let asked = run(&["ready", &format!("http://{address}")]);
    assert_eq!((asked.status.code(), asked.stdout.as_slice()), (Some(0), b"ready\n".as_slice()));
    let refused = run(&["ready", &format!("http://{address}/readyz")]);
    assert_eq!(refused.status.code(), Some(1), "an address, not a path");
    Command::new("kill").arg(child.id().to_string()).status().unwrap();
    assert_eq!(hear(), "STOPPING=1");
    assert!(child.wait().unwrap().success());
    assert!(fails(1, &["ready", &format!("http://{address}")]).contains("does not answer"));
    // Its log is JSON throughout; the last line is for whoever stopped it.
    for line in BufReader::new(child.stderr.take().unwrap()).lines() {
        let line = line.unwrap();
        assert!(line == "Stopped." || serde_json::from_str::<serde_json::Value>(&line).is_ok(), "{line}");
    }
}

#[test]
fn a_key_file_that_holds_no_key_is_refused() {
    let folder = Folder::new("key-file");
    let (empty, missing) = (folder.file("empty"), folder.file("missing"));
    std::fs::write(&empty, "\n").unwrap();
    let serve = |file: &str| {
        fails(2, &["serve", "--listen", "127.0.0.1:0", "--no-sandbox", "--master-key-file", file])
    };
    assert!(serve(&empty).contains("is empty"));
    assert!(serve(&missing).contains("cannot be read"));
    let server = Server::start(&folder, &[]);
    assert!(run(&["ready", &format!("http://{}", server.address)]).status.success());
}
