//! Everything a use case needs, in one value. There are no process-wide globals: ten servers can live in one
//! process, and tests do so.

use super::authjs::AuthJs;
use super::catalog::CatalogView;
use super::known::Known;
use super::limits::Limiter;
use super::password::Passwords;
use super::upstream::{Tap, Wire};
use super::uses::Uses;
use super::vitals::Looks;
use crate::clock::Clock;
use crate::config::{Edge, Settings, SignIn};
use crate::mailer::Mailer;
use crate::metrics::Metrics;
use crate::outbound::Poster;
use crate::store::Store;
use crate::vault::Vault;
use arc_swap::ArcSwap;
use numberotp_core::id::AccountId;
use numberotp_core::policy::{Controls, Policy, Screen};
use numberotp_core::secret::SecretBytes;
use numberotp_core::vocabulary::Vocabulary;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Everything a use case needs.
pub struct Context {
    /// The database.
    pub store: Store,
    /// Time.
    pub clock: Clock,
    /// Keys for what is kept.
    pub vault: Vault,
    /// Names of services and countries.
    pub vocabulary: Arc<Vocabulary>,
    /// What is not rented.
    pub policy: Policy,
    /// Which messages are kept from their buyers.
    pub screen: Arc<Screen>,
    /// What is required before real numbers are rented.
    pub controls: Controls,
    /// How purchase ids are shown.
    pub public_ids: super::public_ids::PublicIds,
    /// What JWTs are signed with.
    pub jwt_key: SecretBytes,
    /// What the sandbox signs its webhooks with; none in production.
    pub sandbox_secret: Option<SecretBytes>,
    /// What names a message that has no id: keyed, so that a stolen database does not give texts away.
    pub dedupe_key: SecretBytes,
    /// What an operator can set.
    pub settings: Settings,
    /// Offers and providers as they stand, swapped whole.
    pub catalog: ArcSwap<CatalogView>,
    /// Where the sandbox posts its messages.
    pub poster: Poster,
    /// Lets a test lose, refuse or delay what is asked of providers.
    pub tap: Option<Tap>,
    /// Lets a test be the providers: what it takes is not carried any further.
    pub wire: Option<Wire>,
    /// How the server meets the network.
    pub edge: Edge,
    /// How people come in.
    pub sign_in: SignIn,
    /// How a website's sessions are taken, if they are.
    pub authjs: Option<AuthJs>,
    /// Who carries mail.
    pub mailer: Mailer,
    /// What codes, addresses and networks are digested with where they must not be readable.
    pub sign_in_key: SecretBytes,
    /// Where passwords are hashed.
    pub passwords: Passwords,
    /// What is measured.
    pub metrics: Metrics,
    /// Whoever has it may read what is measured from afar.
    pub metrics_token: Option<SecretBytes>,
    /// Whether the database is well, as it was found last.
    pub looks: Looks,
    /// Credentials that were found a moment ago.
    pub known: Known,
    /// When credentials were used, not written yet.
    pub uses: Uses,
    /// Who asked how often.
    pub limiter: Limiter,
    /// Purchases being made at once: a provider that hangs must not take every request with it.
    pub purchases: Semaphore,
    /// Work that outlives its request.
    pub tracker: TaskTracker,
    /// Cancelled when the server stops.
    pub stopping: CancellationToken,
    /// Held by whoever moves a sandbox's clock.
    pub moving_clock: Arc<tokio::sync::Mutex<()>>,
    /// Waits going on, by account.
    pub waits: Mutex<HashMap<AccountId, usize>>,
}

/// Purchases that may be with providers at once.
const PURCHASES_AT_ONCE: usize = 512;

impl Context {
    /// Places for the purchases being made.
    pub fn places() -> Semaphore {
        Semaphore::new(PURCHASES_AT_ONCE)
    }

    /// How many purchases are with providers.
    pub fn purchases_in_flight(&self) -> usize {
        PURCHASES_AT_ONCE.saturating_sub(self.purchases.available_permits())
    }
}
