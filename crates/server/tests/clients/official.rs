//! The official Python client, in the version that `xtask/clients` names, signs in and out of the real program on each
//! database. Guards: what it calls is there, and refusals are what it takes them for.

use crate::program::{Folder, Server, json};
use crate::tools::{Client, printed, values};
use numberotp_testkit::database::on_each_engine;
use serde_json::json as value;

const SIGN_IN: &str = include_str!("scripts/official.py");
const EMAIL: &str = "ann@example.com";
const PASSWORD: &str = "grey otter 7";

#[test]
fn the_official_client_signs_in_stays_so_and_signs_out() {
    if !Client::Python.is_there() {
        return;
    }
    on_each_engine(|database| {
        let folder = Folder::new(&format!("official-{}", database.engine().name()));
        let mails = folder.file("mails");
        let flags = ["--database-url", database.url(), "--sandbox", "--mail-folder", &mails];
        let server = Server::start(&folder, &flags);
        let made = ["account", "create", "--email", EMAIL, "--password", PASSWORD, "--approve", "--json"];
        json(&[&made[..], &["--database-url", database.url()]].concat());
        std::fs::write(folder.path().join("official.py"), SIGN_IN).unwrap();
        let mut official = Client::Python.command(&folder);
        official.args(["official.py", &format!("http://{}", server.address), EMAIL, PASSWORD, &mails]);
        let told = values(&printed(&mut official, SIGN_IN));
        assert_eq!((&told[0]["exchanged"], &told[0]["by_mail"]), (&value!(1), &value!(2)), "{told:?}");
    });
}
