//! Reads a number with its separators and says whether it can be a code, or is a date, time, price, phone
//! number or masked card at sight.
//! Guards: every call moves forward and looks at a bounded number of groups, so reading a text stays linear.
//! Must never use the words around the number; those are weighed in `scoring`.

use super::lexicon::{self, Role};
use super::normalise::Folded;
use super::tokens::Kind;

/// Groups of digits looked at together; no code and no phone number has more.
const GROUPS_MAX: usize = 12;

/// Groups of digits with one separator between each two.
struct Run {
    lengths: [usize; GROUPS_MAX],
    count: usize,
    total: usize,
    first_end: usize,
    end: usize,
    separators: Separators,
}

/// Which separators a run has.
#[derive(Default)]
struct Separators {
    dashes: usize,
    points: usize,
    colons: usize,
    slashes: usize,
}

impl Run {
    fn start(text: &Folded, start: usize) -> Run {
        let end = text.digits_end(start);
        let mut run = Run {
            lengths: [0; GROUPS_MAX],
            count: 0,
            total: 0,
            first_end: end,
            end,
            separators: Separators::default(),
        };
        run.add(end - start, end);
        run
    }

    fn add(&mut self, length: usize, end: usize) {
        if let Some(place) = self.lengths.get_mut(self.count) {
            *place = length;
        }
        self.count += 1;
        self.total += length;
        self.end = end;
    }

    fn lengths(&self) -> &[usize] {
        self.lengths.get(..self.count.min(GROUPS_MAX)).unwrap_or_default()
    }
}

/// Reads the number that starts at `start`: what it can be, and where it ends.
pub(super) fn read(text: &Folded, start: usize) -> (Kind, usize) {
    let run = tight(text, start);
    let (kind, end) = if run.count == 1 { spaced(text, start) } else { by_separators(text, start, &run) };
    if kind == Kind::Digits && (is_masked(text, start, end) || is_counted(text, end)) {
        return (Kind::Figure, end);
    }
    (kind, end)
}

/// Digits and single separators without any space: "12:30", "1,200.50", "123-456".
fn tight(text: &Folded, start: usize) -> Run {
    let mut run = Run::start(text, start);
    while run.count < GROUPS_MAX && text.byte(run.end + 1).is_ascii_digit() {
        match text.byte(run.end) {
            b'-' => run.separators.dashes += 1,
            b'.' | b',' => run.separators.points += 1,
            b':' => run.separators.colons += 1,
            b'/' => run.separators.slashes += 1,
            _ => break,
        }
        let from = run.end + 1;
        let end = text.digits_end(from);
        run.add(end - from, end);
    }
    run
}

fn by_separators(text: &Folded, start: usize, run: &Run) -> (Kind, usize) {
    let Separators { dashes, points, colons, slashes } = run.separators;
    let first = run.first_end - start;
    if dashes + 1 == run.count {
        return dashed(text, start, run);
    }
    let splits = match (points, colons, slashes, dashes) {
        // "123456.10 minutes left", "1234,5分": a sentence goes on without a space.
        (1, 0, 0, 0) => first >= 4 && ends_in_unit(text, run.end),
        // "1:123456" or "10:482913": no time.
        (0, 1, 0, 0) => run.lengths().get(1).is_some_and(|second| *second > 2) || first > 2,
        (0, 0, 1, 0) => first >= 4 && run.lengths().get(1).is_some_and(|second| *second >= 4),
        _ => false,
    };
    if splits { (Kind::Digits, run.first_end) } else { (Kind::Figure, run.end) }
}

fn ends_in_unit(text: &Folded, end: usize) -> bool {
    let at = if text.byte(end) == b' ' { end + 1 } else { end };
    matches!(lexicon::find(text, at), Some((Role::Unit, _)))
}

/// "123-456", "12-34-56", "1-2-3-4-5-6"; but no dates, phone numbers, ranges of years.
fn dashed(text: &Folded, start: usize, run: &Run) -> (Kind, usize) {
    let phone = run.total > 10 || starts_zero_phone(text, start, run.total);
    let code = match run.lengths() {
        [4, 4] => !(is_year(text, start) && is_year(text, start + 5)),
        [2, 2] | [3, 4] | [5, 4] => false,
        [3, 3, 3] => true,
        [_, _, _] => !phone && run.total < 9 && !is_date(text, start, run),
        [_, _] => !phone && run.total < 10,
        _ => !phone && run.total < 9 || run.lengths().iter().all(|length| *length == 1),
    };
    if code { (Kind::Digits, run.end) } else { (Kind::Figure, run.end) }
}

fn starts_zero_phone(text: &Folded, start: usize, total: usize) -> bool {
    text.byte(start) == b'0' && total >= 9
}

fn value(text: &Folded, start: usize, length: usize) -> usize {
    let digits = text.low.get(start..start + length).unwrap_or_default();
    digits.iter().fold(0, |sum, digit| sum * 10 + usize::from(digit.wrapping_sub(b'0')))
}

fn is_year(text: &Folded, start: usize) -> bool {
    (1900..=2099).contains(&value(text, start, 4))
}

/// Day, month and year in one of the usual places.
fn is_date(text: &Folded, start: usize, run: &Run) -> bool {
    let &[a, b, c] = run.lengths() else { return false };
    let (first, second, third) = (
        value(text, start, a.min(4)),
        value(text, start + a + 1, b.min(4)),
        value(text, start + a + b + 2, c.min(4)),
    );
    let day_month = |x: usize, y: usize| (1..=31).contains(&x) && (1..=31).contains(&y) && x.min(y) <= 12;
    match (a, b, c) {
        (4, 1..=2, 1..=2) => (1300..2100).contains(&first) && day_month(second, third),
        (1..=2, 1..=2, 4) => (1300..2100).contains(&third) && day_month(first, second),
        (1..=2, 1..=2, 2) => day_month(first, second),
        _ => false,
    }
}

/// One group, or groups with single spaces between: "123 456", "1 2 3 4 5 6"; but no phone or card numbers.
fn spaced(text: &Folded, start: usize) -> (Kind, usize) {
    let mut run = Run::start(text, start);
    let mut same_end = run.end;
    let mut same = 1;
    let first = run.total;
    while run.count < GROUPS_MAX && text.byte(run.end) == b' ' && text.byte(run.end + 1).is_ascii_digit() {
        let from = run.end + 1;
        let end = text.digits_end(from);
        if !is_group_end(text, end) {
            break;
        }
        run.add(end - from, end);
        if same + 1 == run.count && end - from == first {
            same = run.count;
            same_end = end;
        }
    }
    if run.count > 1 && is_spaced_phone(text, start, &run) {
        return (Kind::Figure, run.end);
    }
    match (first, same) {
        (_, 1) => (single(text, start, run.first_end), run.first_end),
        (1, 4..=10) | (2, 3 | 4) | (3 | 4, 2) => (Kind::Digits, same_end),
        (1 | 2, _) | (3 | 4, 3..) | (5, 2) => (Kind::Figure, same_end),
        _ => (Kind::Digits, run.first_end),
    }
}

/// Eleven digits and more are account and phone numbers.
fn single(text: &Folded, start: usize, end: usize) -> Kind {
    let length = end - start;
    if length > 10 || (length == 10 && text.byte(start) == b'0') { Kind::Figure } else { Kind::Digits }
}

fn is_group_end(text: &Folded, end: usize) -> bool {
    let next = text.byte(end);
    let number_goes_on =
        matches!(next, b'.' | b',' | b':' | b'/' | b'-') && text.byte(end + 1).is_ascii_digit();
    !next.is_ascii_alphanumeric() && next != b'%' && !number_goes_on
}

/// "888 888 8888", "0207 153 9153", "0800 123456", "98765 43210".
fn is_spaced_phone(text: &Folded, start: usize, run: &Run) -> bool {
    let lengths = run.lengths();
    let equal = lengths.windows(2).all(|pair| matches!(pair, [a, b] if a == b));
    let short = lengths.iter().all(|length| *length <= 5) && lengths.first().is_some_and(|first| *first <= 4);
    let small = lengths.iter().all(|length| *length >= 2);
    let zero = starts_zero_phone(text, start, run.total) && run.total <= 13;
    let grouped = lengths.first().is_some_and(|first| *first >= 2);
    (!equal && small && run.count >= 3 && (9..=15).contains(&run.total) && short) || (zero && grouped)
}

/// "*1234", "138****1234", "...1234", "6--7893", "sam_1987": part of something longer. "*123456*" is
/// emphasis.
fn is_masked(text: &Folded, start: usize, end: usize) -> bool {
    let stars = |ahead: bool| {
        let mut count = 0;
        while count < 4
            && (if ahead { text.byte(end + count) } else { text.before(start.saturating_sub(count)) }) == b'*'
        {
            count += 1;
        }
        count
    };
    let (before, after) = (stars(false), stars(true));
    let dots = end - start == 4
        && text.before(start) == b'.'
        && text.before(start.saturating_sub(1)) == b'.'
        && !text.before(start.saturating_sub(3)).is_ascii_lowercase();
    let named = text.before(start) == b'_' && text.before(start.saturating_sub(1)).is_ascii_alphanumeric();
    let twice = text.before(start) == b'-'
        && text.before(start.saturating_sub(1)) == b'-'
        && text.before(start.saturating_sub(2)).is_ascii_digit();
    (before > 0 && after < before) || after > 1 || dots || twice || named
}

/// "50%", "1234@example.com", "5000$".
fn is_counted(text: &Folded, end: usize) -> bool {
    match text.byte(end) {
        b'%' | b'$' => true,
        b'@' => text.byte(end + 1).is_ascii_alphanumeric(),
        b' ' => matches!(text.byte(end + 1), b'%'),
        _ => false,
    }
}

/// The end of an international phone number whose `+` stands at `plus`.
pub(super) fn international(text: &Folded, plus: usize) -> Option<usize> {
    dialled(text, plus + 1, 7)
}

/// The end of "(888) 888-8888" whose bracket stands at `bracket`.
pub(super) fn bracketed_phone(text: &Folded, bracket: usize) -> Option<usize> {
    let from = if text.byte(bracket + 1) == b'+' { bracket + 2 } else { bracket + 1 };
    let close = text.digits_end(from);
    if !(2..=5).contains(&(close - from)) || text.byte(close) != b')' {
        return None;
    }
    let next = if matches!(text.byte(close + 1), b' ' | b'-') { close + 2 } else { close + 1 };
    dialled(text, next, 6)
}

/// Digits as people write phone numbers, if there are at least `least`.
fn dialled(text: &Folded, from: usize, least: usize) -> Option<usize> {
    let mut at = from;
    let mut digits = 0;
    let mut end = from;
    while digits <= 15 {
        match text.byte(at) {
            b'0'..=b'9' => {
                digits += 1;
                end = at + 1;
            }
            b' ' if digits >= 9 => break,
            b' ' | b'-' | b'.' | b'(' | b')' | b'*' if at < end + 2 => {}
            _ => break,
        }
        at += 1;
    }
    ((least..=15).contains(&digits)).then_some(end)
}
