//! Processes that append together, are killed at any moment, or run out of disk.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use crate::common::{batch, open, rows, sealed_keys};

/// What this test binary does as a child: the folder, and a name for its keys.
const FOLDER: &str = "STEWARD_FACTS_TEST_FOLDER";
const NAME: &str = "STEWARD_FACTS_TEST_NAME";

/// The writer: four tasks append at once, now and then one seals; prints `ack KEY` once a key is acknowledged. Does
/// nothing as an ordinary test.
#[test]
fn writer() {
    let (Ok(folder), Ok(name)) = (std::env::var(FOLDER), std::env::var(NAME)) else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let log = open(Path::new(&folder));
        let tasks: Vec<_> = (0..4)
            .map(|task| {
                let (log, name) = (log.clone(), name.clone());
                tokio::spawn(async move {
                    for n in 0..2000 {
                        let keys: Vec<String> = (0..5).map(|i| format!("{name}-{task}-{n}-{i}")).collect();
                        match log.append(batch(&keys)).await {
                            Ok(_) => keys.iter().for_each(|key| say(&format!("ack {key}"))),
                            Err(e) => return say(&format!("error {e}")),
                        }
                        if task == 0 && n % 5 == 4 && log.seal().await.is_err() {
                            return;
                        }
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = write!(out, "\n{line}\n").and_then(|()| out.flush());
}

struct Writer {
    child: Child,
    lines: mpsc::Receiver<String>,
}

impl Writer {
    fn start(mut command: Command, folder: &Path, name: &str) -> Writer {
        command
            .env(FOLDER, folder)
            .env(NAME, name)
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            let mut line = Vec::new();
            while out.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
                // A line cut off by the kill was not delivered.
                if line.ends_with(b"\n") {
                    let _ = sender.send(String::from_utf8_lossy(&line).trim().to_string());
                }
                line.clear();
            }
        });
        Writer { child, lines }
    }

    fn plain(folder: &Path, name: &str) -> Writer {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["kill::writer", "--exact", "--nocapture"]);
        Writer::start(command, folder, name)
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
}

fn acknowledged(lines: &[String]) -> Vec<String> {
    lines
        .iter()
        .filter_map(|line| line.strip_prefix("ack "))
        .map(str::to_owned)
        .collect()
}

/// A small generator, so that a failing round can be run again.
fn delays(seed: u64) -> impl Iterator<Item = Duration> {
    let mut state = seed;
    std::iter::repeat_with(move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        Duration::from_micros((state >> 33) % 80_000)
    })
}

async fn holds_each_once(folder: &Path, acknowledged: &[String]) -> usize {
    let log = open(folder);
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for key in sealed_keys(&log, folder).await {
        *times.entry(key).or_default() += 1;
    }
    for key in acknowledged {
        assert_eq!(times.get(key), Some(&1), "{key} was acknowledged");
    }
    assert!(times.values().all(|n| *n == 1), "a key stands twice");
    // Sent again after the crash, nothing is kept twice.
    if let Some(some) = acknowledged
        .get(..acknowledged.len().min(100))
        .filter(|s| !s.is_empty())
    {
        assert_eq!(log.append(batch(some)).await.unwrap().stored, 0);
    }
    times.len()
}

#[tokio::test]
async fn killed_at_any_moment_it_keeps_all_that_was_acknowledged_once() {
    let mut delays = delays(20_260_102);
    let mut wait = || std::thread::sleep(delays.next().unwrap());
    // While the log is being created.
    for round in 0..4 {
        let folder = tempfile::tempdir().unwrap();
        let writers: Vec<_> = (0..2)
            .map(|w| Writer::plain(folder.path(), &format!("{round}-{w}")))
            .collect();
        wait();
        let seen: Vec<_> = writers.into_iter().flat_map(|writer| writer.kill(Vec::new())).collect();
        holds_each_once(folder.path(), &acknowledged(&seen)).await;
    }
    // While they append and seal, one after the other, again and again on the same log.
    let folder = tempfile::tempdir().unwrap();
    let mut all = Vec::new();
    for round in 0..6 {
        let writers: Vec<_> = (0..3)
            .map(|w| Writer::plain(folder.path(), &format!("{round}-{w}")))
            .collect();
        let started: Vec<_> = writers.iter().map(Writer::running).collect();
        for (writer, seen) in writers.into_iter().zip(started) {
            wait();
            all.extend(acknowledged(&writer.kill(seen)));
        }
        let kept = holds_each_once(folder.path(), &all).await;
        assert!(kept >= all.len());
    }
    assert!(all.len() > 300, "{}", all.len());
}

/// The file may not grow beyond some size, as on a full disk.
#[cfg(unix)]
#[tokio::test]
async fn on_a_full_disk_it_says_so_and_keeps_what_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("sh");
    let run = "trap '' XFSZ; ulimit -f 64; exec \"$0\" kill::writer --exact --nocapture";
    command.args(["-c", run]).arg(std::env::current_exe().unwrap());
    let mut writer = Writer::start(command, folder.path(), "full");
    assert!(writer.child.wait().unwrap().success());
    let lines: Vec<String> = writer.lines.iter().collect();
    let error = lines
        .iter()
        .find(|line| line.starts_with("error"))
        .expect("it must run out of space");
    assert!(error.contains("facts"), "{error}");
    let kept = holds_each_once(folder.path(), &acknowledged(&lines)).await;
    assert!(kept > 10, "{kept}");
    // With space again it goes on.
    let log = open(folder.path());
    assert_eq!(log.append(batch(&["more"])).await.unwrap().stored, 1);
    log.seal().await.unwrap();
    assert_eq!(rows(folder.path()).len(), kept + 1);
}
