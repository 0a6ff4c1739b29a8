//! Exposures are collected by a server that is killed: what it acknowledged is there once.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::bad_input::shop;
use crate::serving::Server;
use crate::support::Folder;

/// Posts a batch; what was answered, or nothing if the server was killed before it answered.
fn post(address: &str, batch: &Value) -> Option<(u16, Value)> {
    let body = batch.to_string();
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(60))).ok()?;
    write!(
        stream,
        "POST /api/v1/exposures HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nConnection: close\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .ok()?;
    let mut reader = BufReader::new(stream);
    let mut status = String::new();
    reader.read_line(&mut status).ok()?;
    let mut rest = String::new();
    reader.read_to_string(&mut rest).ok()?;
    let code = status.split(' ').nth(1)?.parse().ok()?;
    Some((code, serde_json::from_str(rest.split_once("\r\n\r\n")?.1).ok()?))
}

fn collecting() -> Folder {
    let folder = shop();
    folder.write("steward.yaml", "project: shop\nowner: ada\n").write(
        "experiments/trial.yaml",
        "experiment: trial\nexposures: {dataset: steward_exposures, entity: customer}\nvariants: [a, b]\nmetrics: {primary: [ordered]}\n",
    );
    folder
}

fn batch(prefix: &str, rows: usize) -> Value {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_micros() as u64;
    let one = |n| json!({ "id": format!("{prefix}-{n}"), "experiment": "trial", "unit": n, "variant": "a", "ts": now });
    json!((0..rows).map(one).collect::<Vec<_>>())
}

fn ids(folder: &Path) -> BTreeMap<String, u64> {
    let sql = "SELECT id, count(*) AS n FROM steward_exposures GROUP BY id";
    let answer = crate::support::steward(folder, &["query", "--sql", sql, "--json", "--limit", "1000000"])
        .exits(0)
        .json();
    let rows = answer.as_array().unwrap().iter();
    rows.map(|row| (row["id"].as_str().unwrap().to_owned(), row["n"].as_u64().unwrap()))
        .collect()
}

#[test]
fn killed_while_clients_write_it_keeps_what_it_acknowledged_once() {
    let folder = collecting();
    folder.steward(&["check"]).exits(0);
    let mut acknowledged: Vec<String> = Vec::new();
    for round in 0..3_u64 {
        let server = Server::start(folder.path());
        let address = server.address.clone();
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let address = address.clone();
                std::thread::spawn(move || {
                    let mut kept = Vec::new();
                    for n in 0..10_000 {
                        let name = format!("{round}-{writer}-{n}");
                        let batch = batch(&name, 20);
                        // Sent twice now and then, as by a client that lost the answer.
                        if n % 3 == 0 && post(&address, &batch).is_none() {
                            break;
                        }
                        let Some((code, answer)) = post(&address, &batch) else {
                            break;
                        };
                        assert_eq!((code, &answer["errors"]), (200, &json!([])), "{answer}");
                        assert_eq!(
                            answer["stored"].as_u64().unwrap() + answer["known"].as_u64().unwrap(),
                            20
                        );
                        kept.extend((0..20).map(|i| format!("{name}-{i}")));
                    }
                    kept
                })
            })
            .collect();
        std::thread::sleep(Duration::from_millis(700 + round * 311));
        // Dropped is killed: SIGKILL.
        drop(server);
        acknowledged.extend(writers.into_iter().flat_map(|w| w.join().unwrap()));
    }
    assert!(acknowledged.len() > 100, "{}", acknowledged.len());
    let found = ids(folder.path());
    assert!(found.values().all(|n| *n == 1), "an id stands twice");
    for id in &acknowledged {
        assert!(found.contains_key(id), "{id} was acknowledged and is lost");
    }
    // A restart knows them all, and counts units once.
    let server = Server::start(folder.path());
    let (code, answer) = post(&server.address, &batch("0-0-0", 20)).unwrap();
    assert_eq!(
        (code, &answer["stored"], &answer["known"]),
        (200, &json!(0), &json!(20)),
        "{answer}"
    );
    server.stop();
    let readout = folder.steward(&["experiment", "readout", "trial", "--json"]);
    assert!(readout.code == 0, "{}", readout.err);
}
