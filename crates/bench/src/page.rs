//! The table for the terminal, and for a page if one is asked for.
//! Guards: figures never stand without their machine, their time and, where it is so, "not comparable".

use crate::machine::Noise;
use crate::table::{Figure, HEAD, line};
use crate::told::About;
use crate::{Run, Told};
use std::fmt::Write as _;

/// Prints the figures; writes them to the page that was named.
pub fn tell(figures: &[Figure], missing: &[String], noise: &Noise, run: &Run) -> Told<()> {
    let text = table(figures, missing, noise, run);
    println!("\n{text}");
    match &run.page {
        Some(path) => {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder).about("the page's folder")?;
            }
            std::fs::write(path, page(&text)).about("the page")
        }
        None => Ok(()),
    }
}

fn page(text: &str) -> String {
    format!(
        "# Figures\n\nWritten by `cargo xtask bench --write` on {}. Do not edit: figures are ratios of one run on one machine.\n\n{text}",
        today()
    )
}

fn today() -> String {
    let text = numberotp_server::clock::machine_time().to_rfc3339_seconds();
    text.split('T').next().unwrap_or_default().to_owned()
}

fn table(figures: &[Figure], missing: &[String], noise: &Noise, run: &Run) -> String {
    let mut text = String::new();
    let rows: Vec<[String; 9]> = figures.iter().filter_map(line).collect();
    let head = HEAD.map(str::to_owned);
    let widths: Vec<usize> = (0..head.len())
        .map(|column| {
            let cells = rows.iter().chain([&head]).filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    let rule = || widths.iter().map(|width| "-".repeat(*width)).collect::<Vec<_>>();
    let mut print = |cells: &[String]| {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| format!(" {cell:<width$} "));
        // Writing to a string cannot fail.
        let _infallible = writeln!(text, "|{}|", padded.collect::<Vec<_>>().join("|"));
    };
    print(&head);
    print(&rule());
    rows.iter().for_each(|row| print(row));
    let mut notes = vec![machine(noise), settings(run).to_owned()];
    if run.quick {
        notes.push("quick: short runs that show that everything works; their figures say little".to_owned());
    }
    notes.extend(noise.why_not().map(|why| format!("**{why}**")));
    notes.extend(missing.iter().map(|what| format!("not measured: {what}")));
    for note in notes {
        let _infallible = write!(text, "\n- {note}");
    }
    text.push('\n');
    text
}

/// What the servers were set to, where that is not the product's default.
const fn settings(run: &Run) -> &'static str {
    if run.quick {
        "ready bytes (prices, list, 304): the server with `--threads 1`, nginx with one worker; all else: one thread a core; messages, two servers: the better of 64 and 256 connections, all else 64"
    } else {
        "ready bytes (prices, list, 304): the best of the server with `--threads` 1 and 2, and of nginx with one and two workers; all else: one thread a core; messages, two servers: the better of 64 and 256 connections, all else 64"
    }
}

fn machine(noise: &Noise) -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let name = name.map_or("unknown processor", |(_, name)| name.trim());
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    format!(
        "{cores} cores, {name}; {:.0} flushes of 4 KiB a second; others used {:.0} % of the processors",
        noise.flushes,
        noise.foreign * 100.0
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_noisy_machine_is_named_beside_its_figures() {
        let ours = [80.0].into_iter().collect();
        let peer = Some([100.0].into_iter().collect());
        let figure =
            Figure { name: "prices", ours, peer, counts: "/s", seen: "server 1.00 cores".to_owned() };
        let run = Run {
            names: Vec::new(),
            quick: true,
            full: false,
            page: None,
            folder: std::path::PathBuf::new(),
            postgres: None,
            pgbench: None,
            nginx: None,
            wrk: None,
        };
        let quiet = Noise { foreign: 0.01, flushes: 5_000.0 };
        let text = table(std::slice::from_ref(&figure), &["rents: none".to_owned()], &quiet, &run);
        assert!(
            text.contains("0.80") && text.contains("not measured: rents") && text.contains("quick"),
            "{text}"
        );
        assert!(!text.contains("not comparable") && text.contains("`--threads 1`"), "{text}");
        let noisy = Noise { foreign: 0.5, ..quiet };
        assert!(table(&[figure], &[], &noisy, &run).contains("not comparable"));
    }
}
