//! Processes that append together, are killed at any moment, or run out of disk.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::json;
use steward_ledger::{Filter, Ledger};

use crate::common::{decision, event, open, personal};

/// What this test binary does as a child: `FOLDER`, how many appends, bytes of each.
const FOLDER: &str = "STEWARD_LEDGER_TEST_FOLDER";
const APPENDS: &str = "STEWARD_LEDGER_TEST_APPENDS";
const SIZE: &str = "STEWARD_LEDGER_TEST_SIZE";

/// The writer: prints `ack SEQUENCE HASH` for each event once it is acknowledged. Does nothing as an ordinary test.
#[test]
fn writer() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let number = |name: &str| std::env::var(name).ok().and_then(|n| n.parse::<u64>().ok());
    let appends = number(APPENDS).unwrap_or(u64::MAX);
    let size = number(SIZE).unwrap_or(10) as usize;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let ledger = match Ledger::open(Path::new(&folder), crate::common::clock()).await {
            Ok(ledger) => ledger,
            Err(error) => return say(&format!("error {error}")),
        };
        for n in 0..appends {
            let big = event("test.big", "big", json!({ "n": n, "text": "x".repeat(size) }));
            let one = ledger.append(vec![if n % 5 == 0 { personal(n, "someone") } else { big }]);
            let two = ledger.append(vec![decision(n), decision(n + 1)]);
            for outcome in <[_; 2]>::from(tokio::join!(one, two)) {
                match outcome {
                    Ok(events) => events
                        .iter()
                        .for_each(|e| say(&format!("ack {} {}", e.sequence, e.hash))),
                    Err(error) => return say(&format!("error {error}")),
                }
            }
        }
        ledger.close().await;
    });
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // The test harness may have left a line unfinished.
    let _ = write!(out, "\n{line}\n").and_then(|()| out.flush());
}

struct Writer {
    child: Child,
    lines: mpsc::Receiver<String>,
}

impl Writer {
    fn start(mut command: Command, folder: &Path) -> Writer {
        command.env(FOLDER, folder).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            let mut line = Vec::new();
            while out.by_ref().read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
                // A line cut off by the kill was not delivered.
                if line.ends_with(b"\n") {
                    let _ = sender.send(String::from_utf8_lossy(&line).trim().to_string());
                }
                line.clear();
            }
        });
        Writer { child, lines }
    }

    fn plain(folder: &Path, appends: Option<u64>) -> Writer {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["kill::writer", "--exact", "--nocapture"]);
        if let Some(appends) = appends {
            command.env(APPENDS, appends.to_string());
        }
        Writer::start(command, folder)
    }

    /// Waits until it has acknowledged something.
    fn running(&self) -> Vec<String> {
        let mut seen = Vec::new();
        while let Ok(line) = self.lines.recv_timeout(Duration::from_secs(60)) {
            let started = line.starts_with("ack");
            seen.push(line);
            if started {
                break;
            }
        }
        seen
    }

    fn kill(mut self, mut seen: Vec<String>) -> Vec<String> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        seen.extend(self.lines.iter());
        seen
    }

    fn wait(mut self) -> Vec<String> {
        assert!(self.child.wait().unwrap().success());
        self.lines.iter().collect()
    }
}

fn acknowledged(lines: &[String]) -> Vec<(u64, String)> {
    let parse = |line: &String| {
        let (sequence, hash) = line.strip_prefix("ack ")?.split_once(' ')?;
        Some((sequence.parse().unwrap(), hash.to_string()))
    };
    lines.iter().filter_map(parse).collect()
}

async fn holds_all(folder: &Path, acknowledged: &[(u64, String)]) -> u64 {
    let ledger = open(folder).await;
    let verification = ledger.verify(None).await.unwrap();
    let events = ledger.read(&Filter::default()).await.unwrap();
    assert_eq!(events.len() as u64, verification.events);
    for (sequence, hash) in acknowledged {
        let event = events
            .get(*sequence as usize - 1)
            .unwrap_or_else(|| panic!("event {sequence} is lost"));
        assert_eq!((event.sequence, &event.hash), (*sequence, hash));
    }
    ledger.close().await;
    verification.events
}

/// A small generator, so that a failing round can be run again.
fn delays(seed: u64) -> impl Iterator<Item = Duration> {
    let mut state = seed;
    std::iter::repeat_with(move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        Duration::from_micros((state >> 33) % 60_000)
    })
}

#[tokio::test]
async fn killed_at_any_moment_it_loses_nothing_acknowledged_and_verifies() {
    let mut delays = delays(20_260_101);
    let mut wait = || std::thread::sleep(delays.next().unwrap());
    // While the ledger is being created.
    for _ in 0..4 {
        let folder = tempfile::tempdir().unwrap();
        let writers: Vec<_> = (0..3).map(|_| Writer::plain(folder.path(), None)).collect();
        wait();
        let seen: Vec<_> = writers.into_iter().flat_map(|writer| writer.kill(Vec::new())).collect();
        holds_all(folder.path(), &acknowledged(&seen)).await;
    }
    // While they append, one after the other killed, again and again on the same ledger.
    let folder = tempfile::tempdir().unwrap();
    let mut all = Vec::new();
    for _ in 0..6 {
        let writers: Vec<_> = (0..3).map(|_| Writer::plain(folder.path(), None)).collect();
        let started: Vec<_> = writers.iter().map(Writer::running).collect();
        for (writer, seen) in writers.into_iter().zip(started) {
            wait();
            all.extend(acknowledged(&writer.kill(seen)));
        }
        let events = holds_all(folder.path(), &all).await;
        assert!(events >= all.len() as u64);
    }
    assert!(all.len() > 3 * 6, "{}", all.len());
}

#[tokio::test]
async fn processes_that_append_at_once_make_one_chain_without_gap_or_fork() {
    let folder = tempfile::tempdir().unwrap();
    let writers: Vec<_> = (0..3).map(|_| Writer::plain(folder.path(), Some(30))).collect();
    let mut all: Vec<_> = writers
        .into_iter()
        .flat_map(|writer| acknowledged(&writer.wait()))
        .collect();
    assert_eq!(holds_all(folder.path(), &all).await, 3 * 30 * 3);
    all.sort();
    assert_eq!(
        all.iter().map(|(sequence, _)| *sequence).collect::<Vec<_>>(),
        (1..=270).collect::<Vec<_>>()
    );
}

/// The file may not grow beyond some size, as on a full disk.
#[cfg(unix)]
#[tokio::test]
async fn on_a_full_disk_it_says_so_and_keeps_what_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("sh");
    let run = "trap '' XFSZ; ulimit -f 1024; exec \"$0\" kill::writer --exact --nocapture";
    command
        .args(["-c", run])
        .arg(std::env::current_exe().unwrap())
        .env(SIZE, "20000");
    let lines = Writer::start(command, folder.path()).wait();
    let error = lines
        .iter()
        .find(|line| line.starts_with("error"))
        .expect("it must run out of space");
    assert!(
        error.contains("ledger.db") && error.contains("acknowledged before is safe"),
        "{error}"
    );
    let acknowledged = acknowledged(&lines);
    assert!(acknowledged.len() > 3);
    holds_all(folder.path(), &acknowledged).await;
    // With space again it goes on.
    let ledger = open(folder.path()).await;
    ledger.append(vec![decision(1)]).await.unwrap();
    ledger.verify(Some(&acknowledged.last().unwrap().1)).await.unwrap();
}
