//! The machine-readable ends of a message: the origin-bound line ("@example.com #123456") and the hash of the
//! Android SMS Retriever (eleven base64 characters).
//! Guards: a hash is never a code; an origin-bound code always is.
//! Sources: WICG "Origin-bound one-time codes delivered via SMS"; Google "SMS Retriever API" (the hash).

use super::normalise::Folded;

const HASH_LENGTH: usize = 11;
const ORIGIN_LINE_MAX: usize = 300;

/// Where the code of an origin-bound last line stands.
pub(super) fn origin_code(text: &Folded) -> Option<(usize, usize)> {
    let end = text.low.iter().rposition(|byte| !byte.is_ascii_whitespace())? + 1;
    let from = end.saturating_sub(ORIGIN_LINE_MAX);
    let tail = text.low.get(from..end)?;
    let hash = from + tail.iter().rposition(|byte| *byte == b'#')?;
    if text.before(hash) != b' ' || !is_origin(text, hash - 1) {
        return None;
    }
    let start = hash + 1;
    let mut stop = start;
    while text.written(stop).is_ascii_alphanumeric() || (text.byte(stop) == b'-' && stop > start) {
        stop += 1;
    }
    // An embedded origin may follow ("@example.com #123456 @shop.example", or with `%` as Apple writes it).
    let closes = stop == end || (text.byte(stop) == b' ' && matches!(text.byte(stop + 1), b'@' | b'%'));
    ((3..=16).contains(&(stop - start)) && closes).then_some((start, stop))
}

/// Whether `@host.name` ends just before `end`, at the start of a line or after a space.
fn is_origin(text: &Folded, end: usize) -> bool {
    let mut at = end;
    let mut dots = 0;
    while at > 0 && end - at < ORIGIN_LINE_MAX {
        match text.before(at) {
            b'.' => dots += 1,
            b'-' | b':' | b'0'..=b'9' | b'a'..=b'z' | 0x80.. => {}
            b'@' => return dots > 0 && matches!(text.before(at - 1), 0 | b'\n' | b' '),
            _ => return false,
        }
        at -= 1;
    }
    false
}

/// Where the trailing Retriever hash starts; the length of the text where there is none.
pub(super) fn hash_start(text: &Folded) -> usize {
    let all = text.low.len();
    let end = text.low.iter().rposition(|byte| !byte.is_ascii_whitespace()).map_or(0, |last| last + 1);
    let Some(start) = end.checked_sub(HASH_LENGTH).filter(|start| *start > 0) else { return all };
    let hash = text.kept.get(start..end).unwrap_or_default();
    let base64 = hash.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'));
    let own_line = text.before(start) == b'\n';
    if !base64 || !(own_line || text.before(start) == b' ') {
        return all;
    }
    let digits = hash.iter().filter(|byte| byte.is_ascii_digit()).count();
    let upper = hash.iter().filter(|byte| byte.is_ascii_uppercase()).count();
    let lower = hash.iter().filter(|byte| byte.is_ascii_lowercase()).count();
    let mixed = upper > 0 && lower > 0 && (digits > 0 || upper > 1);
    let marked = is_marked(text) && digits < HASH_LENGTH;
    if mixed || (marked && own_line) { start } else { all }
}

/// Whether the message opens with `<#>`, as messages for the Retriever did at first.
pub(super) fn is_marked(text: &Folded) -> bool {
    text.low.starts_with(b"<#>") || text.low.starts_with(b"[#]")
}
