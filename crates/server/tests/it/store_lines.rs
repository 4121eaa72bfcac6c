//! Lines to PostgreSQL that break or fall silent: what was not begun is begun anew on another, and what may have been
//! committed is told as unknown and never tried again. The books are right whichever way it went.

use crate::store_stage::{PRICE, RULES, Stage, attached, connection, held, hot, staged};
use numberotp_core::id::ActivationId;
use numberotp_server::store::account::{account_get, account_rename};
use numberotp_server::store::db::{Engine, Statement};
use numberotp_server::store::hot::{Answer, Command, Reserved};
use numberotp_server::store::{IdBlocks, Store, StoreError, StoreOptions, Writer};
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// Breaks every other connection to this database, as a restart of the server does.
fn break_connections(stage: &mut Stage<'_>) {
    if let Engine::Postgres(_) = stage.database().engine() {
        let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
        stage.tamper(others);
        // They are told to end; a moment later they have.
        while !stage.list("SELECT CAST(pid AS TEXT) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()").is_empty() {
            std::thread::yield_now();
        }
    }
}

/// Nothing had been begun on the broken connection, so nothing is in doubt and nobody is troubled.
#[test]
fn a_connection_that_broke_while_idle_is_made_anew() {
    staged(|stage| {
        let account = stage.person_with(3 * PRICE.micros());
        stage.reserved(account);
        break_connections(stage);
        let reserve = stage.reserve(account);
        held(stage.send(Command::Reserve(reserve)));
        break_connections(stage);
        let renamed = stage.write(move |tx| account_rename(tx, account, "Bob")).unwrap();
        assert_eq!(renamed.unwrap().name, "Bob");
    });
}

#[test]
fn a_whole_store_outlives_its_connections() {
    staged(|stage| {
        let account = stage.person_with(40 * PRICE.micros());
        let store = Store::open(stage.database().engine(), &StoreOptions::server(RULES)).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        // More rounds than there are readers, so that each has to notice.
        for round in 1..=10 {
            let reserve = stage.reserve(account);
            let answer = runtime.block_on(store.reserve(reserve)).unwrap();
            assert!(matches!(answer, Reserved::Held(..)));
            let renamed = runtime
                .block_on(store.write(move |tx| account_rename(tx, account, &format!("name {round}"))));
            assert_eq!(renamed.unwrap().unwrap().name, format!("name {round}"));
            let read = runtime.block_on(store.read(move |tx| account_get(tx, account)));
            assert_eq!(read.unwrap().unwrap().name, format!("name {round}"));
            break_connections(stage);
        }
        store.stop();
    });
}

/// A line that died since its last use is noticed at the first question of a batch, before anything could be lost.
#[test]
fn a_batch_on_a_line_that_died_is_carried_out_once_on_another() {
    staged(|stage| {
        let account = stage.person_with(2 * PRICE.micros());
        stage.reserved(account);
        if let Engine::Postgres(_) = stage.database().engine() {
            let all = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
            stage.tamper(all);
        }
        stage.reserved(account);
        assert_eq!(stage.list("SELECT CAST(COUNT(*) AS TEXT) FROM activations"), ["2"]);
    });
}

/// Has the server end whatever line adds a row to a table, at once or with its commit, and count how often.
pub fn hanging_up(stage: &mut Stage<'_>, table: &str, when: &str) {
    // Sequences count what is undone, too.
    stage.tamper(&format!(
        "CREATE SEQUENCE IF NOT EXISTS tries; \
         CREATE OR REPLACE FUNCTION hang_up() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN PERFORM nextval('tries'); PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$; \
         DROP TRIGGER IF EXISTS hanging_up ON {table}; \
         CREATE CONSTRAINT TRIGGER hanging_up AFTER INSERT ON {table} {when} \
         FOR EACH ROW EXECUTE FUNCTION hang_up()"
    ));
}

/// From the moment at which the commit may be under way nobody knows what became of it: a second try could buy twice.
#[test]
fn a_batch_whose_line_breaks_with_its_commit_under_way_is_not_tried_again() {
    staged(|stage| {
        let Engine::Postgres(_) = stage.database().engine() else { return };
        let account = stage.person_with(2 * PRICE.micros());
        for (tries, when) in [("1", "NOT DEFERRABLE"), ("2", "DEFERRABLE INITIALLY DEFERRED")] {
            hanging_up(stage, "activations", when);
            let command = stage.reserve(account);
            let answer = stage.send(Command::Reserve(command));
            assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{when}: {answer:?}");
            assert_eq!(stage.list("SELECT CAST(last_value AS TEXT) FROM tries"), [tries], "{when}");
        }
        stage.tamper("DROP TRIGGER hanging_up ON activations");
        stage.reserved(account);
        assert_eq!(stage.list("SELECT CAST(COUNT(*) AS TEXT) FROM activations"), ["1"]);
    });
}

/// Purchases, what was held for them, and jobs that watch them.
pub const BOUGHT: &str = "SELECT CONCAT((SELECT COUNT(*) FROM activations), ' ', \
    (SELECT COUNT(*) FROM movements WHERE kind = 'purchase'), ' ', \
    (SELECT COUNT(*) FROM jobs WHERE kind = 'activation_watch'))";

/// Neither is anything left of the first try, nor is the second one's transaction the first one's.
#[test]
fn a_batch_that_loses_against_another_with_its_commit_along_is_carried_out_once() {
    staged(|stage| {
        let Engine::Postgres(_) = stage.database().engine() else { return };
        let account = stage.person_with(2 * PRICE.micros());
        for (bought, when) in [("1 1 1", "NOT DEFERRABLE"), ("2 2 2", "DEFERRABLE INITIALLY DEFERRED")] {
            losing_once(stage, when);
            stage.reserved(account);
            assert_eq!(stage.list("SELECT CAST(last_value AS TEXT) FROM tries"), ["2"], "{when}");
            assert_eq!(stage.list(BOUGHT), [bought], "{when}");
        }
    });
}

/// The first to write a purchase from now on loses against somebody, at once or at its commit. The sequence counts what is undone, too.
pub fn losing_once(stage: &mut Stage<'_>, when: &str) {
    stage.tamper(&format!(
        "DROP SEQUENCE IF EXISTS tries; CREATE SEQUENCE tries; \
         CREATE OR REPLACE FUNCTION lose_once() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN IF nextval('tries') = 1 THEN RAISE EXCEPTION USING ERRCODE = '40P01'; END IF; RETURN NULL; END $$; \
         DROP TRIGGER IF EXISTS losing_once ON activations; \
         CREATE CONSTRAINT TRIGGER losing_once AFTER INSERT ON activations {when} \
         FOR EACH ROW EXECUTE FUNCTION lose_once()"
    ));
}

/// What a line loses from the next commit on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Loses {
    /// All answers: the commit goes through, and nobody hears of it.
    Answers,
    /// The commit too: it never comes to the server.
    Commit,
}

/// A commit as it is sent along with the writes before it: a statement of that name, with nothing given, bound to no name.
const COMMIT: &[u8] = b"B\0\0\0\x16\0COMMIT\0";

/// The end of what is sent together.
const SYNC: &[u8] = b"S\0\0\0\x04";

/// Stands between a writer and the server. When it is told to, it falls silent with the next commit, and hangs up on nobody:
/// other lines go on.
struct Relay {
    address: SocketAddr,
    told: Arc<Told>,
}

#[derive(Default)]
struct Told {
    silent: Mutex<Option<Loses>>,
    /// Commits that were sent.
    commits: AtomicUsize,
    /// How often an answer was waited for.
    trips: AtomicUsize,
    over: AtomicBool,
}

impl Relay {
    fn to(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, told) = (listener.local_addr().unwrap(), Arc::new(Told::default()));
        let shared = Arc::clone(&told);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if shared.over.load(Ordering::SeqCst) {
                    return;
                }
                let server = TcpStream::connect(&server).unwrap();
                let (client_too, server_too) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                let (mute, muted) = (Arc::new(AtomicBool::new(false)), Arc::clone(&shared));
                let silenced = Arc::clone(&mute);
                std::thread::spawn(move || answers((server_too, client_too), &silenced));
                std::thread::spawn(move || questions((client, server), &muted, &mute));
            }
        });
        Self { address, told }
    }

    fn falls_silent(&self, loses: Loses) {
        *self.told.silent.lock().unwrap() = Some(loses);
    }

    fn commits(&self) -> usize {
        self.told.commits.load(Ordering::SeqCst)
    }

    fn trips(&self) -> usize {
        self.told.trips.load(Ordering::SeqCst)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.told.over.store(true, Ordering::SeqCst);
        // The thread that takes connections takes this one, and ends.
        let _taken = TcpStream::connect(self.address);
    }
}

/// What comes from the server, until it ends; thrown away while the line is silent.
fn answers((mut server, mut client): (TcpStream, TcpStream), mute: &AtomicBool) {
    let mut buffer = [0; 8_192];
    while let Ok(read @ 1..) = server.read(&mut buffer) {
        if !mute.load(Ordering::SeqCst) && client.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    let _closed = client.shutdown(Shutdown::Both);
}

/// What goes to the server, until the client hangs up.
fn questions((mut client, mut server): (TcpStream, TcpStream), told: &Told, mute: &AtomicBool) {
    let (mut buffer, mut before, mut lost) = ([0; 8_192], Vec::new(), false);
    while let Ok(read @ 1..) = client.read(&mut buffer) {
        let chunk = &buffer[..read];
        told.trips.fetch_add(usize::from(chunk.ends_with(SYNC) || chunk.starts_with(b"Q")), Ordering::SeqCst);
        // A commit may come in two parts.
        let (known, seen) = (before.len(), [before.as_slice(), chunk].concat());
        let mut through = if lost { 0 } else { read };
        if let Some(at) = seen.windows(COMMIT.len()).position(|part| part == COMMIT) {
            told.commits.fetch_add(1, Ordering::SeqCst);
            let loses = told.silent.lock().unwrap().take();
            // Before the server can answer it.
            mute.fetch_or(loses.is_some(), Ordering::SeqCst);
            if loses == Some(Loses::Commit) {
                (through, lost) = (at.saturating_sub(known), true);
            }
        }
        before = seen[seen.len().saturating_sub(COMMIT.len() - 1)..].to_vec();
        if server.write_all(&chunk[..through]).is_err() {
            break;
        }
    }
    let _closed = server.shutdown(Shutdown::Both);
}

/// A relay to a database's server, and the database behind it.
fn relayed(url: &str) -> (Relay, Engine) {
    let (who, place) = url.rsplit_once('@').unwrap();
    let (server, name) = place.split_once('/').unwrap();
    let server = if server.contains(':') { server.to_owned() } else { format!("{server}:5432") };
    let relay = Relay::to(server);
    let engine = Engine::parse(&format!("{who}@{}/{name}", relay.address)).unwrap();
    (relay, engine)
}

/// A writer on a relayed line.
fn relayed_writer(stage: &Stage<'_>) -> (Relay, Writer) {
    let (relay, engine) = relayed(stage.database().url());
    let writer = Writer::open(&engine, IdBlocks::sized(64, 16), RULES, Arc::clone(&stage.hub)).unwrap();
    (relay, writer.by_key())
}

/// Attaches numbers in one batch; in how many trips.
fn attach_together(stage: &Stage<'_>, (relay, writer): (&Relay, &mut Writer), ids: &[ActivationId]) -> usize {
    let before = relay.trips();
    let (works, answers): (Vec<_>, Vec<_>) = ids.iter().map(|id| hot(attach_of(stage, *id))).unzip();
    writer.run(works, None::<()>);
    answers.into_iter().for_each(|mut answer| attached(answer.try_recv().unwrap()));
    relay.trips() - before
}

/// Nearly always a purchase is as it was held and nothing waits for its number: then nothing is read before. What a message
/// waits for, and what is no longer as it was held, is read, with all that is in its batch.
#[test]
fn numbers_are_attached_in_one_trip_where_nothing_has_to_be_read() {
    staged(|stage| {
        let Engine::Postgres(_) = stage.database().engine() else { return };
        let account = stage.person_with(8 * PRICE.micros());
        let (relay, mut writer) = relayed_writer(stage);
        let ids: Vec<ActivationId> = (0..8).map(|_| stage.reserved(account)).collect();
        // The first takes row numbers, the second has the statements made ready.
        for warm in [&ids[..1], &ids[1..2]] {
            attach_together(stage, (&relay, &mut writer), warm);
        }
        assert_eq!(attach_together(stage, (&relay, &mut writer), &ids[2..4]), 1);

        assert!(attach_together(stage, (&relay, &mut writer), &ids[3..5]) > 1, "one has its number already");
        stage.receive(stage.by_reference("m1", &format!("r{}", ids[5].get())));
        assert!(attach_together(stage, (&relay, &mut writer), &ids[5..7]) > 1, "a message waits for one");
        assert_eq!(stage.messages(), [format!("{} delivered", ids[5].get())]);
        assert_eq!(attach_together(stage, (&relay, &mut writer), &ids[7..]), 1);

        assert_eq!(
            stage.list("SELECT DISTINCT status FROM activations ORDER BY status"),
            ["received", "waiting"]
        );
        assert_eq!(stage.list("SELECT CAST(COUNT(*) AS TEXT) FROM leases"), ["8"]);
        assert_eq!(stage.events().len(), 9, "eight numbers and a code");
        assert_eq!(stage.balance(account), (7 * PRICE.micros(), 7 * PRICE.micros()));
        stage.assert_clean();
    });
}

/// A block of row numbers is a row that is locked, and has its place in the order of locks: after all others.
#[test]
fn whoever_has_to_take_row_numbers_reads_first() {
    staged(|stage| {
        let Engine::Postgres(_) = stage.database().engine() else { return };
        let account = stage.person_with(3 * PRICE.micros());
        let (relay, engine) = relayed(stage.database().url());
        let ids: Vec<ActivationId> = (0..3).map(|_| stage.reserved(account)).collect();
        let mut writer =
            Writer::open(&engine, IdBlocks::sized(1, 1), RULES, Arc::clone(&stage.hub)).unwrap().by_key();
        attach_together(stage, (&relay, &mut writer), &ids[..1]);
        for id in &ids[1..] {
            // What it needs, a block, and its writes: unread it would be the last two.
            assert_eq!(attach_together(stage, (&relay, &mut writer), &[*id]), 3);
        }
        stage.assert_clean();
    });
}

fn attach_of(stage: &Stage<'_>, id: ActivationId) -> Command {
    Command::Attach(stage.attach(id, &format!("r{}", id.get()), &format!("4477009{:05}", id.get())))
}

fn carry_out(writer: &mut Writer, command: Command) -> Result<Answer, StoreError> {
    let (work, mut answer) = hot(command);
    writer.run(vec![work], None::<()>);
    answer.try_recv().unwrap()
}

/// Whoever waits for somebody's lock in this database.
const WAITING: Statement = Statement::new(
    "WAITING",
    "SELECT CAST(pid AS TEXT) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
);

/// The server says why it ends a line that waits for a purchase, before any of the writes behind that were begun: nothing is in
/// doubt, and the number is attached once, on another line.
#[test]
fn a_number_whose_line_is_ended_before_its_writes_is_attached_on_another() {
    staged(|stage| {
        let Engine::Postgres(_) = stage.database().engine() else { return };
        let account = stage.person_with(2 * PRICE.micros());
        let (first, second) = (stage.reserved(account), stage.reserved(account));
        let (_relay, mut writer) = relayed_writer(stage);
        attached(carry_out(&mut writer, attach_of(stage, first)));
        let mut other = connection(stage.database());
        other
            .script(&format!("BEGIN; SELECT 1 FROM activations WHERE id = {} FOR UPDATE", second.get()))
            .unwrap();
        std::thread::scope(|scope| {
            let command = attach_of(stage, second);
            let attaching = scope.spawn(move || carry_out(&mut writer, command));
            let mut third = connection(stage.database());
            let pid = loop {
                match third.query(&WAITING, &[]).unwrap().pop() {
                    Some(mut row) => break row.text("pid").unwrap(),
                    None if attaching.is_finished() => panic!("it waited for nothing"),
                    None => std::thread::yield_now(),
                }
            };
            third.script(&format!("SELECT pg_terminate_backend({pid})")).unwrap();
            other.script("ROLLBACK").unwrap();
            attached(attaching.join().unwrap());
        });
        assert_eq!(stage.list("SELECT CAST(COUNT(*) AS TEXT) FROM leases"), ["2"]);
        stage.assert_clean();
    });
}

/// From the writes on nobody knows what became of the commit behind them.
#[test]
fn a_number_whose_line_breaks_with_its_commit_under_way_is_told_as_unknown() {
    staged(|stage| {
        let Engine::Postgres(_) = stage.database().engine() else { return };
        let account = stage.person_with(2 * PRICE.micros());
        let (first, second) = (stage.reserved(account), stage.reserved(account));
        let (_relay, mut writer) = relayed_writer(stage);
        attached(carry_out(&mut writer, attach_of(stage, first)));
        for (tries, when) in [("1", "NOT DEFERRABLE"), ("2", "DEFERRABLE INITIALLY DEFERRED")] {
            hanging_up(stage, "leases", when);
            let answer = carry_out(&mut writer, attach_of(stage, second));
            assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{when}: {answer:?}");
            assert_eq!(stage.list("SELECT CAST(last_value AS TEXT) FROM tries"), [tries], "{when}");
        }
        stage.tamper("DROP TRIGGER hanging_up ON leases");
        attached(carry_out(&mut writer, attach_of(stage, second)));
        assert_eq!(stage.list("SELECT CAST(COUNT(*) AS TEXT) FROM leases"), ["2"]);
        stage.assert_clean();
    });
}

/// The line of a number that is attached in one trip falls silent with its commit. It is there or not, and told as unknown either way;
/// whoever attaches it again attaches it once.
#[test]
fn a_number_whose_line_falls_silent_is_told_as_unknown_and_attached_once() {
    staged(|stage| {
        let Engine::Postgres(_) = stage.database().engine() else { return };
        let account = stage.person_with(3 * PRICE.micros());
        let ids: Vec<ActivationId> = (0..3).map(|_| stage.reserved(account)).collect();
        let (relay, mut writer) = relayed_writer(stage);
        attached(carry_out(&mut writer, attach_of(stage, ids[0])));
        for (id, loses, there) in [(ids[1], Loses::Commit, "1"), (ids[2], Loses::Answers, "3")] {
            let sent = relay.commits();
            relay.falls_silent(loses);
            let answer = carry_out(&mut writer, attach_of(stage, id));
            assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{loses:?}: {answer:?}");
            assert_eq!(relay.commits(), sent + 1, "{loses:?}: it is not tried again");
            assert_eq!(stage.list("SELECT CAST(COUNT(*) AS TEXT) FROM leases"), [there], "{loses:?}");
            stage.assert_clean();
            let again = loop {
                match carry_out(&mut writer, attach_of(stage, id)) {
                    Err(StoreError::Unavailable(_)) => std::thread::yield_now(),
                    answer => break answer,
                }
            };
            attached(again);
        }
        assert_eq!(stage.list("SELECT CAST(COUNT(*) AS TEXT) FROM leases"), ["3"]);
        assert_eq!(stage.balance(account), (3 * PRICE.micros(), 3 * PRICE.micros()));
        stage.assert_clean();
    });
}

/// A writer whose line falls silent while its commit is under way; how many purchases there are afterwards, one of which
/// was made before.
fn falls_silent(stage: &mut Stage<'_>, loses: Loses) -> usize {
    let account = stage.person_with(3 * PRICE.micros());
    let (relay, mut writer) = relayed_writer(stage);
    let mut send = |command| carry_out(&mut writer, command);
    held(send(Command::Reserve(stage.reserve(account))));
    let sent = relay.commits();
    relay.falls_silent(loses);
    let answer = send(Command::Reserve(stage.reserve(account)));
    assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{loses:?}: {answer:?}");
    assert_eq!(relay.commits(), sent + 1, "{loses:?}: it is not tried again");
    let count = "SELECT CAST(COUNT(*) AS TEXT) FROM activations";
    let made: usize = stage.list(count).concat().parse().unwrap();
    let (posted, pending) = (3 * PRICE.micros(), i64::try_from(made).unwrap() * PRICE.micros());
    assert_eq!(stage.balance(account), (posted, pending), "{loses:?}");
    assert_eq!(stage.jobs().len(), made, "{loses:?}: whoever is to look after it does");
    stage.assert_clean();

    // The line is made anew, after a rest that keeps callers from waiting for it in a row.
    let next = loop {
        match send(Command::Reserve(stage.reserve(account))) {
            Err(StoreError::Unavailable(_)) => std::thread::yield_now(),
            answer => break answer,
        }
    };
    held(next);
    assert_eq!(relay.commits(), sent + 2, "{loses:?}");
    assert_eq!(stage.list(count), [(made + 1).to_string()], "{loses:?}");
    made
}

/// The server took the commit, and its answer never comes: the purchase is there, its buyer does not know, and a job looks
/// after it.
#[test]
fn a_batch_whose_commit_is_not_answered_is_told_as_unknown_and_stands() {
    staged(|stage| {
        let Engine::Postgres(_) = stage.database().engine() else { return };
        assert_eq!(falls_silent(stage, Loses::Answers), 2);
    });
}

/// The writes came to the server and the commit did not: nothing is there, and nothing is in anybody's way.
#[test]
fn a_batch_whose_commit_is_lost_on_the_way_is_told_as_unknown_and_undone() {
    staged(|stage| {
        let Engine::Postgres(_) = stage.database().engine() else { return };
        assert_eq!(falls_silent(stage, Loses::Commit), 1);
    });
}
