//! What follows a change, as rows written with it. A job says in its type whether to try again.

use crate::id::JobId;
use crate::time::Span;

/// Kinds of jobs. The subject is the row that the job is about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum JobKind {
    /// Looks after an activation: reconciles it while `reserving`, closes it when its window is over.
    ActivationWatch,
    /// Tells the provider that an activation's number is free.
    ActivationRelease,
    /// The provider may have allocated a number for an activation that failed: looks and gives it back.
    ActivationSweep,
    /// The sandbox sends an SMS.
    SandboxSms,
    /// Sends a mail.
    MailSend,
    /// Deletes messages past their time and the keys of empty days.
    MessagePurge,
}

/// Jobs that share places: what hangs in one lane takes none of another's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lane {
    /// Whatever money and numbers wait for, and the housekeeping.
    Main,
    /// Mail: a server that takes it may be silent for as long as it likes.
    Mail,
}

impl Lane {
    /// All lanes, the one that must never wait first.
    pub const ALL: [Self; 2] = [Self::Main, Self::Mail];

    /// How many of its jobs are carried out at once.
    pub const fn places(self) -> usize {
        match self {
            Self::Main => 256,
            Self::Mail => 8,
        }
    }
    /// The kinds of its jobs.
    pub fn kinds(self) -> impl Iterator<Item = JobKind> {
        JobKind::ALL.into_iter().filter(move |kind| kind.lane() == self)
    }
}

/// Room for as many kinds in the number of a row.
const KINDS_MOST: i64 = 16;

impl JobKind {
    /// All kinds.
    pub const ALL: [Self; 6] = [
        Self::ActivationWatch,
        Self::ActivationRelease,
        Self::ActivationSweep,
        Self::SandboxSms,
        Self::MailSend,
        Self::MessagePurge,
    ];

    /// The word in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ActivationWatch => "activation_watch",
            Self::ActivationRelease => "activation_release",
            Self::ActivationSweep => "activation_sweep",
            Self::SandboxSms => "sandbox_sms",
            Self::MailSend => "mail_send",
            Self::MessagePurge => "message_purge",
        }
    }
    /// The row of such a job for a subject: there is one at most, so the subject names it. The numbers of kinds stand in
    /// databases and never change.
    pub const fn of(self, subject: i64) -> JobId {
        let number = match self {
            Self::ActivationWatch => 0,
            Self::ActivationRelease => 1,
            Self::ActivationSweep => 2,
            Self::SandboxSms => 3,
            Self::MailSend => 4,
            Self::MessagePurge => 5,
        };
        // Rows count from one: none comes near the 2^59 that there is room for, and the database refuses a number that is
        // not its subject's.
        JobId::new(subject.wrapping_mul(KINDS_MOST).wrapping_add(number))
    }
    /// Whose places it takes.
    pub const fn lane(self) -> Lane {
        match self {
            Self::MailSend => Lane::Mail,
            Self::ActivationWatch
            | Self::ActivationRelease
            | Self::ActivationSweep
            | Self::SandboxSms
            | Self::MessagePurge => Lane::Main,
        }
    }
    /// Whether its row is never done: it has another turn, and another.
    pub const fn goes_on_for_ever(self) -> bool {
        matches!(self, Self::MessagePurge)
    }
    /// Reads the word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// How a job ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum JobEnd {
    /// Its work is done, or there was none.
    Done,
    /// Again after this time.
    Again(Span),
    /// Done for now; the next turn is after this time and counts from nothing.
    Next(Span),
    /// Its own step moved or removed its row already.
    Moved,
    /// It can never succeed; kept for a person to look at.
    Dead,
}

/// The pause before try number `attempts + 1`: 1 s, 2 s, 4 s … at most five minutes.
pub fn backoff(attempts: i64) -> Span {
    let doublings = u32::try_from(attempts.clamp(0, 9)).unwrap_or(9);
    Span::seconds(1_i64.saturating_mul(2_i64.saturating_pow(doublings)).min(300))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mail_shares_its_places_with_nothing_that_money_waits_for() {
        assert_eq!(Lane::Mail.kinds().collect::<Vec<_>>(), [JobKind::MailSend]);
        assert_eq!(Lane::ALL.map(|lane| lane.kinds().count()).iter().sum::<usize>(), JobKind::ALL.len());
        assert!(Lane::Mail.places() < Lane::Main.places());
    }

    #[test]
    fn pauses_double_and_end_at_five_minutes() {
        let seconds: Vec<i64> =
            [0, 1, 2, 8, 9, 100].iter().map(|n| backoff(*n).as_micros() / 1_000_000).collect();
        assert_eq!(seconds, [1, 2, 4, 256, 300, 300]);
    }
}
