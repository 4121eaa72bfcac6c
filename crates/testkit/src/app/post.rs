//! The mailboxes of whoever deals with the app: mail goes into a folder, as it does for whoever develops, and is taken out.

use super::{TestApp, must};
use numberotp_server::entropy;
use std::path::{Path, PathBuf};

/// A folder for mail, gone with its app.
pub(super) struct Post(PathBuf);

impl Post {
    pub(super) fn new() -> Self {
        let random = must("randomness", entropy::bytes::<8>());
        let name: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        Self(std::env::temp_dir().join(format!("numberotp-mail-{name}")))
    }

    pub(super) fn folder(&self) -> &Path {
        &self.0
    }
}

impl Drop for Post {
    fn drop(&mut self) {
        // Where nothing was sent there is no folder.
        let _absent = std::fs::remove_dir_all(&self.0);
    }
}

impl TestApp<'_> {
    /// Sends what is to be sent, and takes the mails out that went to this address since it was looked last.
    pub async fn mails(&self, to: &str) -> Vec<String> {
        self.run_jobs().await;
        let Ok(files) = std::fs::read_dir(self.post.folder()) else { return Vec::new() };
        let mut mails = Vec::new();
        for file in files {
            let path = must("the mail's folder", file).path();
            let mail = must("a mail", std::fs::read_to_string(&path));
            if mail.contains(&format!("\r\nTo: {to}\r\n")) {
                must("a mail", std::fs::remove_file(&path));
                mails.push(mail.replace("\r\n", "\n"));
            }
        }
        mails
    }

    /// The code of the only mail that went to this address since it was looked last.
    pub async fn mailed_code(&self, to: &str) -> String {
        let mails = self.mails(to).await;
        assert_eq!(mails.len(), 1, "mails to {to}: {mails:#?}");
        let digits = |line: &&str| line.len() == 6 && line.bytes().all(|byte| byte.is_ascii_digit());
        let code = mails.iter().flat_map(|mail| mail.lines()).map(str::trim).find(digits);
        must(to, code.ok_or("has a mail without a code")).to_owned()
    }
}
