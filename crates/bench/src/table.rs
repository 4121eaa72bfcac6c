//! The goals as data, and the table in which they are printed.
//! Guards: a goal has one line here; what it must and aims to reach is not written anywhere else.
//! Must never call a figure good that was measured against nothing.

use crate::stats::Rounds;

/// Which way is better.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Better {
    /// Of a ratio.
    More,
    /// Of a time or a size.
    Less,
}

/// What the product is to reach.
#[derive(Clone, Copy, Debug)]
pub struct Goal {
    /// By which it is chosen on the command line.
    pub name: &'static str,
    /// What is compared with what.
    pub what: &'static str,
    /// Required.
    pub must: f64,
    /// Wanted.
    pub aim: f64,
    /// Which way is better.
    pub better: Better,
    /// After the figure: `x` for a ratio, else a unit.
    pub unit: &'static str,
    /// What bounds the figure in the end.
    pub limit: &'static str,
}

const fn ratio(name: &'static str, what: &'static str, (must, aim): (f64, f64), limit: &'static str) -> Goal {
    Goal { name, what, must, aim, better: Better::More, unit: "x", limit }
}

const fn bound(
    (name, unit): (&'static str, &'static str),
    what: &'static str,
    (must, aim): (f64, f64),
    limit: &'static str,
) -> Goal {
    Goal { name, what, must, aim, better: Better::Less, unit, limit }
}

/// Every goal that the product has.
#[rustfmt::skip]
pub const GOALS: &[Goal] = &[
    ratio("prices", "2 KB of prices / nginx, same bytes", (0.8, 1.0), "CPU: system calls of the socket, then headers"),
    ratio("list", "whole list, identity / nginx", (0.65, 0.88), "CPU: copying 60 KB out of user space; nginx has sendfile"),
    ratio("list-gzip", "whole list, compressed / nginx gzip_static", (0.8, 1.0), "CPU: as 2 KB of prices"),
    ratio("not-modified", "304 / nginx's 304", (0.8, 1.0), "CPU: routing and headers, no body"),
    ratio("rents-sqlite", "complete rents, SQLite FULL / best pgbench five-statement", (2.0, 3.0), "CPU of the writer thread: statements a rent"),
    ratio("rents-bare", "complete rents, SQLite / bare writer loop, same commands", (0.8, 0.95), "two cores: HTTP and the load take what the writer could use"),
    ratio("rents-postgres", "complete rents, PostgreSQL / best pgbench five-statement", (1.5, 3.0), "CPU of PostgreSQL: 13 index entries a rent"),
    ratio("rents-postgres-hot", "complete rents, PostgreSQL, one account / pgbench, one account", (6.0, 10.0), "as of many accounts; pgbench is bounded by the disk's flushes alone"),
    ratio("sms-sqlite", "inbound SMS, SQLite FULL / best pgbench five-statement", (3.0, 4.0), "CPU of the writer thread: statements a message"),
    ratio("sms-postgres", "inbound SMS, PostgreSQL / best pgbench five-statement", (3.0, 4.0), "CPU of PostgreSQL"),
    ratio("hot-sqlite", "rents of one account / of many, SQLite", (0.9, 1.0), "purses are changed once a batch"),
    ratio("hot-postgres", "rents of one account / of many, PostgreSQL", (0.9, 1.0), "purses are changed once a batch"),
    bound(("wait", "ms"), "webhook in to long-poll out, p99, 1,000 waiting, without one commit", (10.0, 5.0), "one commit, one wake-up, one read"),
    bound(("sign-in-flood", "x"), "rents, p99, in a flood of sign-ins / without", (2.0, 1.5), "half the processors hash passwords, rents have the rest"),
    bound(("sign-in-times", "%"), "refused sign-ins, slowest / quickest reason, by medians", (5.0, 1.0), "every reason is one write and one password hash"),
    bound(("memory-idle", "MB"), "memory, idle", (40.0, 25.0), "tables of services and words, threads, connections' caches"),
    bound(("memory-busy", "MB"), "memory after 60,000 rents", (64.0, 40.0), "SQLite's page caches: one writer, four readers"),
    bound(("memory-wait", "KiB"), "memory of an idle long-poll", (18.0, 10.0), "hyper's buffers, the request, the futures of the wait"),
    bound(("extraction", "us"), "code extraction, a message", (5.0, 2.0), "CPU: characters of a message"),
    bound(("authjs", "us"), "opening a website's session, by cookie", (50.0, 20.0), "CPU: base64, one HMAC or GCM, the claims' JSON"),
    ratio("growth", "rents, 100 x the accounts and rows / small, SQLite", (0.8, 0.95), "depth of indexes, pages outside the cache"),
    ratio("two-servers", "rents, two servers on one PostgreSQL / one", (1.0, 1.5), "two cores: PostgreSQL has them already"),
];

/// A goal as it was measured.
#[derive(Clone, Debug)]
pub struct Figure {
    /// Which goal.
    pub name: &'static str,
    /// Ours, a round each.
    pub ours: Rounds,
    /// The peer's, a round each; none where the goal is a bound.
    pub peer: Option<Rounds>,
    /// What the figures count.
    pub counts: &'static str,
    /// Who used the processors, and whatever else explains the figure.
    pub seen: String,
}

/// How a figure stands to its goal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// What was wanted.
    Aim,
    /// What is required.
    Must,
    /// Less than that.
    Missed,
}

impl Verdict {
    const fn word(self) -> &'static str {
        match self {
            Self::Aim => "aim",
            Self::Must => "must",
            Self::Missed => "MISSED",
        }
    }
}

impl Goal {
    /// The goal of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        GOALS.iter().find(|goal| goal.name == name)
    }

    /// How a value stands.
    pub fn judge(&self, value: f64) -> Verdict {
        let reaches = |goal: f64| match self.better {
            Better::More => value >= goal,
            Better::Less => value <= goal,
        };
        match (reaches(self.aim), reaches(self.must)) {
            (true, _) => Verdict::Aim,
            (false, true) => Verdict::Must,
            (false, false) => Verdict::Missed,
        }
    }
}

impl Figure {
    /// What is held against the goal: the ratio of the medians, or our median.
    pub fn value(&self) -> f64 {
        match &self.peer {
            Some(peer) => self.ours.median() / peer.median().max(f64::MIN_POSITIVE),
            None => self.ours.median(),
        }
    }
}

/// The columns of the table.
pub const HEAD: [&str; 9] =
    ["goal", "must", "aim", "ours", "peer", "ratio or value", "verdict", "what bounds it", "seen"];

/// A line of the table.
pub fn line(figure: &Figure) -> Option<[String; 9]> {
    let goal = Goal::named(figure.name)?;
    let bound = |value: f64| match (goal.better, goal.unit) {
        (Better::More, _) => format!("≥ {value}"),
        (Better::Less, unit) => format!("≤ {value} {unit}"),
    };
    let side = |rounds: &Rounds| {
        let (median, spread) = (rounds.median(), rounds.spread() * 100.0);
        let precision = if median >= 100.0 { 0 } else { 2 };
        format!("{median:.precision$} {} ±{:.0}%", figure.counts, spread / 2.0)
    };
    let value = figure.value();
    Some([
        format!("{}: {}", goal.name, goal.what),
        bound(goal.must),
        bound(goal.aim),
        side(&figure.ours),
        figure.peer.as_ref().map_or_else(|| "-".to_owned(), side),
        if goal.unit == "x" { format!("{value:.2}") } else { format!("{value:.2} {}", goal.unit) },
        goal.judge(value).word().to_owned(),
        goal.limit.to_owned(),
        figure.seen.clone(),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(name: &'static str, ours: &[f64], peer: Option<&[f64]>) -> Figure {
        let rounds = |figures: &[f64]| figures.iter().copied().collect();
        Figure { name, ours: rounds(ours), peer: peer.map(rounds), counts: "/s", seen: String::new() }
    }

    #[test]
    fn names_are_unique_and_no_aim_asks_for_less_than_its_must() {
        for (index, goal) in GOALS.iter().enumerate() {
            assert!(GOALS[index + 1..].iter().all(|other| other.name != goal.name), "{}", goal.name);
            assert_ne!(goal.judge(goal.aim), Verdict::Missed, "{}", goal.name);
            assert_eq!(goal.judge(goal.aim), Verdict::Aim, "{}", goal.name);
        }
    }

    #[test]
    fn a_ratio_is_of_medians_and_more_is_better() {
        let figure = figure("prices", &[90.0, 10.0, 80.0], Some(&[100.0, 100.0, 900.0]));
        assert!((figure.value() - 0.8).abs() < 1e-9);
        let line = line(&figure).unwrap();
        assert_eq!((line[1].as_str(), line[5].as_str(), line[6].as_str()), ("≥ 0.8", "0.80", "must"));
        assert_eq!(Goal::named("prices").unwrap().judge(0.79), Verdict::Missed);
    }

    #[test]
    fn of_a_bound_less_is_better_and_nothing_is_no_peer() {
        let figure = figure("memory-idle", &[26.0], None);
        let line = line(&figure).unwrap();
        assert_eq!((line[1].as_str(), line[4].as_str(), line[6].as_str()), ("≤ 40 MB", "-", "must"));
        assert_eq!(Goal::named("memory-idle").unwrap().judge(41.0), Verdict::Missed);
        // Measured against a peer that did nothing is no success of ours.
        assert!(super::line(&self::figure("unknown", &[1.0], None)).is_none());
    }
}
