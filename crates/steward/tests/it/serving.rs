//! The server's life, and decisions that outlive processes that are killed.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::bad_input::shop;
use crate::support::{Folder, command};

/// Longest wait for anything that is bound to happen.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running `steward serve`.
pub struct Server {
    child: Child,
    out: BufReader<ChildStdout>,
    /// Host and port.
    pub address: String,
}

impl Server {
    /// Serves a project on a port of its own, once it says that it is ready.
    pub fn start(folder: &Path) -> Server {
        let mut child = command(folder)
            .args(["serve", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let address = line.trim_end().strip_prefix("listening on http://");
        let address = address
            .unwrap_or_else(|| panic!("the first line is {line:?}"))
            .to_owned();
        Server { child, out, address }
    }

    /// A connection to it.
    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// The whole answer to a GET.
    pub fn get(&self, path: &str) -> String {
        let mut stream = self.connect();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
            self.address
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Asks it to end.
    pub fn terminate(&self) {
        signal("-TERM", &self.child);
    }

    /// Waits for its end; answers what it printed after its first line.
    pub fn wait(&mut self) -> (ExitStatus, String) {
        let until = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < until, "the server does not end");
            std::thread::sleep(Duration::from_millis(10));
        };
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).unwrap();
        (status, rest)
    }

    /// Ends it, as a service manager would.
    pub fn stop(mut self) {
        self.terminate();
        assert_eq!(self.wait().0.code(), Some(0));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn signal(which: &str, child: &Child) {
    let sent = Command::new("kill")
        .args([which, &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
}

#[test]
fn one_line_when_ready_health_and_a_quiet_end() {
    let folder = shop();
    folder.steward(&["apply", "-m", "first"]).exits(0);
    let mut server = Server::start(folder.path());
    assert!(server.address.starts_with("127.0.0.1:"), "{}", server.address);
    let health = server.get("/health");
    assert!(health.starts_with("HTTP/1.1 200") && health.ends_with("OK"), "{health}");
    assert!(server.get("/").starts_with("HTTP/1.1 200"));
    assert!(server.get("/k/experiment/none").starts_with("HTTP/1.1 404"));
    server.terminate();
    let (status, rest) = server.wait();
    assert_eq!(status.code(), Some(0));
    assert_eq!(rest, "", "standard output is one line");
}

#[test]
fn definitions_with_errors_are_served_with_what_is_wrong() {
    let folder = shop();
    folder.write("experiments/bad.yaml", "experiment: [a\n");
    let server = Server::start(folder.path());
    let home = server.get("/");
    assert!(
        home.starts_with("HTTP/1.1 200") && home.contains("experiments/bad.yaml"),
        "{home}"
    );
    // Mended while it runs, it is gone.
    std::fs::remove_file(folder.at("experiments/bad.yaml")).unwrap();
    let until = Instant::now() + PATIENCE;
    while server.get("/").contains("experiments/bad.yaml") {
        assert!(Instant::now() < until, "definitions are not read again");
        std::thread::sleep(Duration::from_millis(50));
    }
    server.stop();
}

#[test]
fn a_request_under_way_is_answered_before_the_end() {
    let folder = shop();
    let mut server = Server::start(folder.path());
    let body = r#"{"control": {"n": 100, "mean": 5, "sd": 2}, "treatment": {"n": 100, "mean": 6, "sd": 2}}"#;
    let mut stream = server.connect();
    write!(
        stream,
        "POST /api/v1/stats/welch_t HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Expect: 100-continue\r\n\r\n",
        server.address,
        body.len()
    )
    .unwrap();
    // The server says this when it waits for the body: the request has begun.
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    assert!(line.starts_with("HTTP/1.1 100"), "{line}");
    server.terminate();
    // It takes no new connections any more …
    let until = Instant::now() + PATIENCE;
    while TcpStream::connect(&server.address).is_ok() {
        assert!(Instant::now() < until, "it goes on listening");
        std::thread::sleep(Duration::from_millis(10));
    }
    // … and answers what it had begun.
    stream.write_all(body.as_bytes()).unwrap();
    let mut answer = String::new();
    reader.read_to_string(&mut answer).unwrap();
    assert!(
        answer.contains("HTTP/1.1 200") && answer.contains("\"absolute\""),
        "{answer}"
    );
    assert_eq!(server.wait().0.code(), Some(0));
}

#[test]
fn what_the_server_was_killed_over_is_all_there() {
    let folder = shop();
    folder.steward(&["apply", "-m", "first"]).exits(0);
    let server = Server::start(folder.path());
    // Another process decides while it serves, then it is killed.
    folder
        .steward(&["experiment", "decide", "trial", "extend", "--reason", "More data"])
        .exits(0);
    signal("-KILL", &server.child);
    drop(server);
    assert_eq!(verified(&folder), 2);
    let server = Server::start(folder.path());
    assert!(server.get("/ledger").contains("decision"));
    server.stop();
}

fn verified(folder: &Folder) -> u64 {
    let verified = folder.steward(&["ledger", "verify", "--json"]).exits(0).json();
    verified["events"].as_u64().unwrap()
}

/// Runs a command and kills it after so long, if it has not ended by then. Its document, if it printed one.
fn run_or_kill(folder: &Path, arguments: &[&str], after: Option<Duration>) -> Option<Value> {
    let mut child = command(folder)
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    if let Some(after) = after {
        std::thread::sleep(after);
        let _ = child.kill();
    }
    let output = child.wait_with_output().unwrap();
    serde_json::from_slice(&output.stdout).ok()
}

#[test]
fn no_acknowledged_decision_is_lost_to_kill_nine() {
    const PROCESSES: u64 = 3;
    const ROUNDS: u64 = 6;
    let folder = shop();
    folder.steward(&["apply", "-m", "first"]).exits(0);
    // Evidence is there already, so that killing meets the decision itself.
    folder.steward(&["run"]).exits(0);
    let path = folder.path();
    let acknowledged: BTreeMap<u64, String> = std::thread::scope(|scope| {
        let deciders: Vec<_> = (0..PROCESSES)
            .map(|process| {
                scope.spawn(move || {
                    let mut kept = Vec::new();
                    for round in 0..ROUNDS {
                        let reason = format!("Round {round} of {process}");
                        let arguments = ["experiment", "decide", "trial", "extend", "--reason", &reason, "--json"];
                        // Every other one is killed, each at another moment of its life.
                        let after = Duration::from_millis(20 + (round * PROCESSES + process) * 53 % 400);
                        let after = (round % 2 == 0).then_some(after);
                        if let Some(made) = run_or_kill(path, &arguments, after) {
                            kept.push((made["sequence"].as_u64().unwrap(), reason));
                        }
                    }
                    kept
                })
            })
            .collect();
        let applier = scope.spawn(move || {
            let mut kept = Vec::new();
            for round in 0..ROUNDS {
                let text = format!("project: shop\nowner: ada\nlabel: Shop {round}\nas_of: 2025-06-01T00:00:00Z\n");
                std::fs::write(path.join("next"), text).unwrap();
                std::fs::rename(path.join("next"), path.join("steward.yaml")).unwrap();
                let reason = format!("Label {round}");
                let after = (round % 2 == 1).then(|| Duration::from_millis(30 + round * 71));
                if let Some(made) = run_or_kill(path, &["apply", "-m", &reason, "--json"], after)
                    && let Some(sequence) = made["sequence"].as_u64()
                {
                    kept.push((sequence, reason));
                }
            }
            kept
        });
        let all = deciders.into_iter().flat_map(|d| d.join().unwrap());
        all.chain(applier.join().unwrap()).collect()
    });
    // Whoever was not killed was acknowledged.
    assert!(acknowledged.len() as u64 >= PROCESSES * ROUNDS / 2, "{acknowledged:?}");
    let count = verified(&folder);
    assert!(count > acknowledged.len() as u64);
    let log = folder
        .steward(&["ledger", "log", "--last", "1000", "--json"])
        .exits(0)
        .json();
    let log = log.as_array().unwrap();
    for (sequence, reason) in &acknowledged {
        let event = log.iter().find(|e| e["sequence"] == *sequence);
        let event = event.unwrap_or_else(|| panic!("event {sequence} was acknowledged and is lost"));
        assert!(event["private"].to_string().contains(reason.as_str()), "{event}");
    }
    // And the next decision goes on from there.
    folder
        .steward(&["experiment", "decide", "trial", "stop", "--reason", "Enough"])
        .exits(0);
    assert_eq!(verified(&folder), count + 1);
}
