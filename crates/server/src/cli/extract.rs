//! `numberotp extract`: texts in, codes out, a line each. In the input `\n`, `\t` and `\\` stand for a line
//! break, a tab and a backslash.

use super::CliError;
use super::output::Output;
use crate::boot::BootError;
use numberotp_core::otp;
use serde_json::{Value, json};
use std::io::BufRead;

pub(super) fn extract() -> Result<(), CliError> {
    for line in std::io::stdin().lock().lines() {
        let text = unescape(&line.map_err(BootError::Io)?);
        Output::print(&answer(&text).to_string());
    }
    Ok(())
}

fn answer(text: &str) -> Value {
    let extraction = otp::extract(text);
    let candidates: Vec<Value> = extraction
        .candidates
        .iter()
        .map(|candidate| json!({ "code": candidate.code.expose(), "confidence": candidate.confidence }))
        .collect();
    json!({ "code": extraction.code.as_ref().map(|code| code.expose()), "candidates": candidates })
}

fn unescape(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            text.push(character);
            continue;
        }
        match characters.next() {
            Some('n') => text.push('\n'),
            Some('t') => text.push('\t'),
            Some('\\') | None => text.push('\\'),
            Some(other) => {
                text.push('\\');
                text.push(other);
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_undone() {
        assert_eq!(unescape(r"a\nb\tc\\d\x"), "a\nb\tc\\d\\x");
    }

    #[test]
    fn a_text_without_a_code_answers_null() {
        assert_eq!(answer("See you tomorrow at the station.")["code"], Value::Null);
        assert_eq!(answer("Your verification code is 482913")["code"], "482913");
    }
}
