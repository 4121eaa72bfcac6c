//! Threads for work that takes the processor for long and may wait: hashes of passwords.
//!
//! Guards that they never do more at once than they are threads, and that the system prefers this server's other threads.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Builder;
use tokio::sync::oneshot;

/// How far they stand behind the server's other threads: one of these gets a tenth of what another gets that wants the same
/// processor, and all of it when none does. On Linux this is of the calling thread alone.
const NICE: i32 = 10;

type Job = Box<dyn FnOnce() + Send>;

/// The threads. They end with this.
pub struct Hashers {
    jobs: Sender<Job>,
}

impl Hashers {
    /// Starts so many.
    pub fn start(count: usize) -> std::io::Result<Self> {
        let (jobs, waiting) = channel::<Job>();
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..count {
            let waiting = Arc::clone(&waiting);
            Builder::new().name("password".to_owned()).spawn(move || {
                if let Err(error) = rustix::process::nice(NICE) {
                    tracing::warn!(%error, "passwords are hashed at the same priority as everything else");
                }
                work(&waiting);
            })?;
        }
        Ok(Self { jobs })
    }

    /// Does this on one of them, as soon as those that asked before are done. `None`: it panicked.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move || {
            // Whoever asked may have gone while it waited.
            if !reply.is_closed() {
                let _gone = reply.send(work());
            }
        });
        self.jobs.send(job).ok()?;
        answer.await.ok()
    }
}

fn work(waiting: &Mutex<Receiver<Job>>) {
    loop {
        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = next else { return };
        // A defect in one must not end the hashing for all; who asked sees its answer dropped.
        let _told_already = catch_unwind(AssertUnwindSafe(job));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test]
    async fn they_stand_behind_other_threads() {
        let nice = || rustix::process::getpriority_process(None).unwrap();
        let theirs = Hashers::start(1).unwrap().run(nice).await;
        assert_eq!(theirs, Some((nice() + NICE).min(19)));
    }

    #[tokio::test]
    async fn never_more_at_once_than_there_are_threads() {
        let hashers = Hashers::start(2).unwrap();
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let each = (0..50).map(|_| {
            let (now, most) = (Arc::clone(&now), Arc::clone(&most));
            hashers.run(move || {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                std::thread::yield_now();
                now.fetch_sub(1, Ordering::SeqCst);
            })
        });
        let done = futures_util::future::join_all(each).await;
        assert!(done.iter().all(Option::is_some));
        assert!((1..=2).contains(&most.load(Ordering::SeqCst)));
    }

    #[tokio::test]
    async fn one_that_panics_ends_neither_the_thread_nor_the_wait() {
        let hashers = Hashers::start(1).unwrap();
        assert_eq!(hashers.run(|| -> u8 { panic!("a defect") }).await, None);
        assert_eq!(hashers.run(|| 7).await, Some(7));
    }

    #[tokio::test]
    async fn what_nobody_waits_for_any_more_is_not_done() {
        let hashers = Hashers::start(1).unwrap();
        let (go, gate) = channel::<()>();
        let (told, done) = channel();
        let first = hashers.run(move || gate.recv().is_ok());
        let second = hashers.run(move || told.send(()).unwrap());
        tokio::pin!(first);
        let mut second = Box::pin(second);
        // Both are asked for, and then the second is not wanted any more.
        assert!(futures_util::poll!(first.as_mut()).is_pending());
        assert!(futures_util::poll!(second.as_mut()).is_pending());
        drop(second);
        go.send(()).unwrap();
        assert_eq!(first.await, Some(true));
        assert_eq!(hashers.run(|| ()).await, Some(()));
        assert!(done.try_recv().is_err());
    }
}
