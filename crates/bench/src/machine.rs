//! What the machine does meanwhile: processor time of ours and of others, flushes a second, memory of a process.
//! Guards: figures from a machine that others use, or whose disk is slow, are named "not comparable".
//! Must never decide by itself that a figure is good all the same.

use crate::Told;
use crate::stats::{count, float};
use crate::told::About;
use std::collections::{HashMap, HashSet};
use std::io::{Seek, Write};
use std::path::Path;
use std::time::{Duration, Instant};

/// Kernel ticks a second, as `/proc` counts: 100 on every Linux that is built today.
const TICKS: f64 = 100.0;
/// More than this share of the processors in others' hands is noise.
const FOREIGN_MOST: f64 = 0.10;
/// Fewer flushes a second are a disk that somebody else is using.
const FLUSHES_LEAST: f64 = 2_000.0;
const FLUSHED: usize = 4_096;

/// Processor time so far, in ticks.
#[derive(Clone, Debug, Default)]
pub struct Ticks {
    busy: u64,
    by_process: HashMap<u32, u64>,
    own: HashSet<u32>,
}

impl Ticks {
    /// Now. `roots` are processes whose descendants are ours.
    pub fn now(roots: &[u32]) -> Self {
        let stat = std::fs::read_to_string("/proc/stat").unwrap_or_default();
        let first = stat.lines().next().unwrap_or_default();
        // user nice system idle iowait irq softirq steal: all but waiting.
        let fields: Vec<u64> =
            first.split_whitespace().skip(1).filter_map(|field| field.parse().ok()).collect();
        let busy = fields.iter().enumerate().filter(|(place, _)| !matches!(place, 3 | 4) && *place < 8);
        let mut ticks = Self { busy: busy.map(|(_, ticks)| ticks).sum(), ..Self::default() };
        let mut parents = HashMap::new();
        for id in processes() {
            let Some((parent, used)) = process(id) else { continue };
            parents.insert(id, parent);
            ticks.by_process.insert(id, used);
        }
        let ours = |id: u32| {
            let line = std::iter::successors(Some(id), |id| parents.get(id).copied().filter(|id| *id > 1));
            line.take(64).any(|id| roots.contains(&id))
        };
        ticks.own = parents.keys().copied().filter(|id| ours(*id)).collect();
        ticks
    }

    /// Ticks of ours since an earlier look, those that ended between the looks by way of their parents.
    fn ours_since(&self, before: &Self) -> u64 {
        let used = |id: &u32| {
            let now = self.by_process.get(id).copied().unwrap_or_default();
            now.saturating_sub(before.by_process.get(id).copied().unwrap_or_default())
        };
        self.own.iter().map(used).sum()
    }
}

/// A process's parent, and its ticks with those of the children it has buried.
fn process(id: u32) -> Option<(u32, u64)> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let number = |place: usize| fields.get(place).and_then(|field| field.parse::<u64>().ok());
    let used = [11, 12, 13, 14].into_iter().filter_map(number).sum();
    Some((u32::try_from(number(1)?).ok()?, used))
}

fn processes() -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// Processors in use by named processes between two looks, in processors: 1.00 is one of them, busy.
pub struct Watch {
    begun: Instant,
    processes: Vec<(&'static str, u32, u64)>,
}

impl Watch {
    /// Begins; this process is the load.
    pub fn start(processes: &[(&'static str, u32)]) -> Self {
        let own = [("load", std::process::id())];
        let known = processes.iter().chain(&own);
        let processes = known.map(|(name, id)| (*name, *id, family(*id))).collect();
        Self { begun: Instant::now(), processes }
    }

    /// `server 1.10, load 0.40 cores`.
    pub fn told(&self) -> String {
        let seconds = self.begun.elapsed().as_secs_f64();
        let shares = self.processes.iter().map(|(name, id, before)| {
            let used = float(family(*id).saturating_sub(*before)) / TICKS / seconds;
            format!("{name} {used:.2}")
        });
        format!("{} cores", shares.collect::<Vec<_>>().join(", "))
    }
}

/// Ticks of a process and of its living children, such as a server's workers.
fn family(id: u32) -> u64 {
    let children = processes().into_iter().filter_map(process_of).filter(|(_, parent, _)| *parent == id);
    let own = process(id).map_or(0, |(_, used)| used);
    if id == std::process::id() { own_only(id) } else { children.map(|(_, _, used)| used).sum::<u64>() + own }
}

fn process_of(id: u32) -> Option<(u32, u32, u64)> {
    process(id).map(|(parent, used)| (id, parent, used))
}

/// Without children: those are measured under their own names.
fn own_only(id: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    let rest = stat.rsplit_once(')').map(|(_, rest)| rest.to_owned()).unwrap_or_default();
    rest.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum()
}

/// Resident memory of a process, in KiB.
pub fn resident_kib(id: u32) -> Told<f64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).about("the server's memory")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).about("VmRSS")?;
    line.trim().trim_end_matches(" kB").trim().parse().about("VmRSS")
}

/// Flushes of 4 KiB a second in a folder.
pub fn flushes(folder: &Path) -> Told<f64> {
    let path = folder.join("flushes");
    let mut file = std::fs::File::create(&path).about("a file to flush")?;
    let block = [7_u8; FLUSHED];
    let (begun, mut done) = (Instant::now(), 0_usize);
    while begun.elapsed() < Duration::from_millis(500) {
        file.rewind()
            .and_then(|()| file.write_all(&block))
            .and_then(|()| file.sync_data())
            .about("a flush")?;
        done = done.saturating_add(1);
    }
    let rate = count(done) / begun.elapsed().as_secs_f64();
    std::fs::remove_file(&path).about("the file that was flushed")?;
    Ok(rate)
}

/// How the machine was during a run.
#[derive(Clone, Copy, Debug)]
pub struct Noise {
    /// Share of the processors that others used.
    pub foreign: f64,
    /// Flushes a second, the lower of before and after.
    pub flushes: f64,
}

impl Noise {
    /// Between two looks.
    pub fn between(before: &(Ticks, Instant), after: &Ticks, flushes: f64) -> Self {
        let cores = std::thread::available_parallelism().map_or(1.0, |cores| count(cores.get()));
        let all = float(after.busy.saturating_sub(before.0.busy));
        let foreign = all - float(after.ours_since(&before.0));
        let room = before.1.elapsed().as_secs_f64() * TICKS * cores;
        Self { foreign: (foreign / room.max(1.0)).max(0.0), flushes }
    }

    /// Why the figures are not comparable; `None` if they are.
    pub fn why_not(&self) -> Option<String> {
        let mut reasons = Vec::new();
        if self.foreign > FOREIGN_MOST {
            reasons.push(format!("others used {:.0} % of the processors", self.foreign * 100.0));
        }
        if self.flushes < FLUSHES_LEAST {
            reasons.push(format!("the disk flushed {:.0} times a second", self.flushes));
        }
        (!reasons.is_empty()).then(|| format!("not comparable: {}", reasons.join("; ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_that_others_use_or_whose_disk_is_slow_is_not_comparable() {
        assert_eq!(Noise { foreign: 0.09, flushes: 7_000.0 }.why_not(), None);
        assert!(Noise { foreign: 0.11, flushes: 7_000.0 }.why_not().unwrap().contains("11 %"));
        assert!(Noise { foreign: 0.0, flushes: 1_999.0 }.why_not().unwrap().contains("1999"));
    }

    #[test]
    fn only_what_neither_we_nor_our_children_used_is_foreign() {
        let ticks = |busy, used: &[(u32, u64)]| Ticks {
            busy,
            by_process: used.iter().copied().collect(),
            own: used.iter().map(|(id, _)| *id).collect(),
        };
        let before = (ticks(100, &[(7, 10)]), Instant::now());
        // 50 of 60 ticks are of process 7 and of process 8, which began meanwhile.
        assert_eq!(ticks(160, &[(7, 40), (8, 20)]).ours_since(&before.0), 50);
        assert!(resident_kib(std::process::id()).unwrap() > 100.0);
    }
}
