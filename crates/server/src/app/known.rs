//! Credentials that were found a moment ago. A program that asks several times a second costs the database two looks a second,
//! together with all others that do, and none of its requests waits for them; what is not found is never remembered.
//!
//! Must never take a credential for good for longer than [`KNOWN_FOR`] after a look: servers that share a database are not told
//! of what another revokes.

use super::from_store;
use super::uses::Used;
use crate::app::Context;
use crate::store::account::Credential;
use crate::store::api_key::api_keys_by_hash;
use numberotp_core::fault::Fault;
use numberotp_core::id::{AccountId, SessionId};
use numberotp_core::time::{Span, Time};
use numberotp_core::token::TokenHash;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// What was shown, as far as it can be looked up.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Shown {
    Key(TokenHash),
    Session(TokenHash),
    Access(SessionId),
    /// A row of the website's session database, by its token.
    Row(TokenHash),
    /// A person of the website, by all that decides whether they are let in.
    Person(TokenHash),
}

/// How long a credential that was found is taken for good without another look. One that is revoked has to be refused
/// everywhere within a second, and so has an account that is suspended or closed.
pub const KNOWN_FOR: Span = Span::millis(800);
/// Most credentials that are remembered; those beyond are looked up each time.
const KNOWN_MOST: usize = 20_000;
/// A key that was asked for since its last look gets another when this is over, before its requests have to wait for one.
const AGAIN_AFTER: Span = Span::millis(400);
/// How often it is seen which keys these are.
const SEE_EVERY: Span = Span::millis(150);
/// Most keys of one look: others read in between.
const AT_ONCE: usize = 1_000;

/// What was found, by what was shown.
#[derive(Default)]
pub struct Known(Mutex<HashMap<Shown, Found>>);

struct Found {
    /// When it was asked for: it was so then or later.
    since: Time,
    credential: Credential,
    /// Whether a request was let in by it since.
    used: bool,
}

impl Known {
    pub(super) fn get(&self, shown: &Shown, now: Time) -> Option<Credential> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known.get_mut(shown)?;
        let good = found.since <= now && now < found.since.plus(KNOWN_FOR);
        found.used |= good;
        good.then(|| found.credential.clone())
    }

    /// Forgets what was found of an account: something about it changed here.
    pub fn forget(&self, account: AccountId) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, found| found.credential.account != account);
    }

    pub(super) fn put(&self, shown: Shown, credential: Credential, since: Time) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KNOWN_MOST {
            known.retain(|_, before| since < before.since.plus(KNOWN_FOR));
        }
        if known.len() < KNOWN_MOST {
            known.insert(shown, Found { since, credential, used: false });
        }
    }

    /// The keys that are to be looked up again.
    fn due(&self, now: Time) -> Vec<TokenHash> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // One that is too old is looked up by its next request: when it was used, nobody knows any more.
        let again = |found: &Found| found.since.plus(AGAIN_AFTER) <= now && now < found.since.plus(KNOWN_FOR);
        let due = |(shown, found): (&Shown, &Found)| match shown {
            Shown::Key(hash) if found.used && again(found) => Some(*hash),
            _ => None,
        };
        known.iter().filter_map(due).collect()
    }

    /// What became of keys that were asked for again at an instant. What was forgotten or found since then stays so.
    fn renew(&self, asked: &[TokenHash], mut now_found: HashMap<TokenHash, Credential>, since: Time) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for hash in asked {
            let Some(found) = known.get_mut(&Shown::Key(*hash)).filter(|found| found.since < since) else {
                continue;
            };
            match now_found.remove(hash) {
                Some(credential) => *found = Found { since, credential, used: false },
                None => drop(known.remove(&Shown::Key(*hash))),
            }
        }
    }
}

/// Looks up again what programs ask for all the time, before it is too old.
pub async fn look_again(context: &Context) -> Result<(), Fault> {
    let due = context.known.due(context.clock.true_now());
    for asked in due.chunks(AT_ONCE) {
        // Their age counts from before they are read.
        let (since, now, hashes) = (context.clock.true_now(), context.clock.now(), asked.to_vec());
        let found =
            context.store.read(move |tx| api_keys_by_hash(tx, &hashes, now)).await.map_err(from_store)?;
        for credential in found.values() {
            context.uses.note(Used::Key(credential.id), now);
        }
        context.known.renew(asked, found, since);
    }
    Ok(())
}

/// The same until the server stops.
pub async fn keep(context: Arc<Context>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(SEE_EVERY.to_std()) => {}
            () = context.stopping.cancelled() => return,
        }
        if let Err(error) = look_again(&context).await {
            // Each is looked up by its own request then.
            tracing::debug!(%error, "keys could not be looked up again");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::api_key::Networks;
    use numberotp_core::caller::{Role, Scopes, Spending, Standing};
    use numberotp_core::id::BrandId;
    use numberotp_core::token;
    use std::collections::BTreeSet;

    fn hash(number: usize) -> Shown {
        Shown::Key(token::hash(&number.to_string()))
    }

    fn credential(id: i64) -> Credential {
        Credential {
            id,
            brand: BrandId::new(1),
            account: AccountId::new(id),
            scopes: Scopes::ALL,
            spending: Spending::Free,
            networks: Networks::default(),
            standing: Standing::Approved,
            role: Role::Customer,
            ends: Time::from_micros(i64::MAX),
        }
    }

    #[test]
    fn a_key_is_known_for_less_than_a_second_from_before_it_was_read() {
        let (known, now) = (Known::default(), Time::from_micros(1_000_000));
        assert!(known.get(&hash(1), now).is_none());
        known.put(hash(1), credential(1), now);
        assert_eq!(known.get(&hash(1), now).map(|key| key.id), Some(1));
        assert!(known.get(&hash(2), now).is_none());
        assert!(known.get(&hash(1), now.plus(KNOWN_FOR)).is_none());
        assert!(known.get(&hash(1), now.minus(Span::micros(1))).is_none(), "nor by a clock that went back");
        assert!(KNOWN_FOR < Span::seconds(1));
    }

    #[test]
    fn no_more_keys_are_remembered_than_there_is_room_for() {
        let (known, now) = (Known::default(), Time::from_micros(1_000_000));
        for number in 0..=KNOWN_MOST {
            known.put(hash(number), credential(1), now);
        }
        assert!(known.get(&hash(KNOWN_MOST), now).is_none(), "the last is looked up each time");
        let later = now.plus(KNOWN_FOR);
        known.put(hash(KNOWN_MOST), credential(1), later);
        assert!(known.get(&hash(KNOWN_MOST), later).is_some(), "until others' time is over");
    }

    /// What the keeper is given for another look.
    fn due(known: &Known, now: Time) -> Vec<TokenHash> {
        let mut due = known.due(now);
        due.sort_by_key(|hash| hash.0);
        due
    }

    fn hashed(number: usize) -> TokenHash {
        token::hash(&number.to_string())
    }

    #[test]
    fn a_key_that_is_asked_for_again_is_looked_up_before_its_time_is_over() {
        let (known, now) = (Known::default(), Time::from_micros(1_000_000));
        for number in [1, 2, 3] {
            known.put(hash(number), credential(1), now);
        }
        known.put(Shown::Session(hashed(4)), credential(1), now);
        for shown in [hash(1), hash(2), Shown::Session(hashed(4))] {
            assert!(known.get(&shown, now).is_some());
        }
        assert!(due(&known, now.plus(AGAIN_AFTER).minus(Span::micros(1))).is_empty(), "not yet");
        assert!(due(&known, now.plus(KNOWN_FOR)).is_empty(), "nor once they are too old");
        let later = now.plus(AGAIN_AFTER);
        let asked = due(&known, later);
        assert_eq!(
            BTreeSet::from_iter(asked.iter().map(|hash| hash.0)),
            BTreeSet::from([hashed(1).0, hashed(2).0])
        );
        // The second is gone, the first may do less than before.
        let less = Credential { standing: Standing::Suspended, ..credential(7) };
        known.renew(&asked, HashMap::from([(hashed(1), less)]), later);
        let over = now.plus(KNOWN_FOR);
        assert_eq!(
            known.get(&hash(1), over).map(|key| (key.id, key.standing)),
            Some((7, Standing::Suspended))
        );
        assert!(known.get(&hash(2), later).is_none(), "at once");
        assert!(known.get(&hash(1), later.plus(KNOWN_FOR)).is_none(), "and no longer than any other");
    }

    #[test]
    fn a_look_brings_back_nothing_that_was_forgotten_or_found_after_it_began() {
        let (known, now) = (Known::default(), Time::from_micros(1_000_000));
        for number in [1, 2] {
            known.put(hash(number), credential(i64::try_from(number).unwrap()), now);
            known.get(&hash(number), now);
        }
        let began = now.plus(AGAIN_AFTER);
        let asked = due(&known, began);
        assert_eq!(asked.len(), 2);
        known.forget(AccountId::new(1));
        let after = began.plus(Span::micros(1));
        known.put(hash(2), credential(9), after);
        let found = [1, 2].map(|number| (hashed(number), credential(5)));
        known.renew(&asked, HashMap::from(found), began);
        assert!(known.get(&hash(1), after).is_none());
        assert_eq!(known.get(&hash(2), after).map(|key| key.id), Some(9));
    }
}
