//! The real clients of customers against the real program: curl, Python's `requests` and `pytest`, Node.js with
//! `axios` and Playwright. They run the samples of pages, as they stand there, so that no page can promise
//! what does not work. `cargo xtask test` provides the clients; where one is absent its tests are skipped with a line.

#[cfg(test)]
mod authjs;
#[cfg(test)]
mod docs_page;
#[cfg(test)]
mod document;
#[cfg(test)]
mod mail;
#[cfg(test)]
mod official;
#[cfg(test)]
mod own_pages;
#[cfg(test)]
#[path = "../cli/program.rs"]
#[expect(dead_code, reason = "the command line's tests need more of it")]
mod program;
#[cfg(test)]
mod published;
#[cfg(test)]
mod sandbox_page;
#[cfg(test)]
mod schemathesis;
#[cfg(test)]
mod tools;
