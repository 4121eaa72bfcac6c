//! The house rules hold for the repository as it stands, and `cargo xtask tidy` says so.
//! A test as well as a command, so that whoever runs only the tests is told too.

use std::process::Command;

#[test]
fn the_repository_is_tidy() {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask")).arg("tidy").output().expect("xtask starts");
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "\n{report}{}", String::from_utf8_lossy(&output.stderr));
    assert!(report.contains("0 findings that fail"), "{report}");
}
