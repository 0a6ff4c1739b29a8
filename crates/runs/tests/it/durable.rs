//! A process that is killed while many write: every point that was acknowledged is there, none twice.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use steward_runs::RunStore;

use crate::stores::{point, points, run};

const FOLDER: &str = "STEWARD_RUNS_TEST_FOLDER";
const WRITERS: i64 = 40;

/// The writing process, when this test is started by the other one: prints what was acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_until_it_is_killed() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let store = RunStore::open(std::path::Path::new(&folder)).await.unwrap();
    let mut runs = Vec::new();
    for n in 0..4 {
        runs.push(run(&store, 0, n).await);
    }
    let writers = (0..WRITERS).map(|writer| {
        let (store, of) = (store.clone(), runs[usize::try_from(writer % 4).unwrap()].clone());
        tokio::spawn(async move {
            for step in 0.. {
                let logged = points(vec![point(&format!("w{writer}"), step as f64, 1, step)]);
                store.log(&of, logged).await.unwrap();
                println!("acknowledged {of} {writer} {step}");
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
}

#[tokio::test]
async fn what_was_acknowledged_outlives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "durable::writes_until_it_is_killed", "--nocapture"])
        .env(FOLDER, folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let out = child.stdout.take().unwrap();
    let reader = std::thread::spawn(move || {
        let lines = BufReader::new(out).lines().map_while(Result::ok);
        let words = lines.filter_map(|l| l.split_once("acknowledged ").map(|(_, rest)| rest.to_owned()));
        words.collect::<Vec<String>>()
    });
    std::thread::sleep(Duration::from_millis(900));
    child.kill().unwrap();
    child.wait().unwrap();
    let acknowledged = reader.join().unwrap();
    // The last line may be cut short.
    let whole = acknowledged
        .iter()
        .filter(|l| l.split(' ').count() == 3)
        .take(acknowledged.len().saturating_sub(1));
    let store = RunStore::open(folder.path()).await.unwrap();
    let mut seen = BTreeSet::new();
    let mut checked = 0;
    for line in whole {
        let mut words = line.split(' ');
        let (of, writer, step) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
        let step: i64 = step.parse().unwrap();
        let key = format!("w{writer}");
        let history = store.history(of, &key, step, 1).await.unwrap();
        assert_eq!(history.first().map(|p| p.step), Some(step), "{line}");
        seen.insert((of.to_owned(), key));
        checked += 1;
    }
    assert!(checked > 100, "only {checked} points were acknowledged in the time");
    for (of, key) in seen {
        let history = store.history(&of, &key, 0, 1_000_000).await.unwrap();
        let steps: BTreeSet<i64> = history.iter().map(|p| p.step).collect();
        assert_eq!(steps.len(), history.len(), "{key}: a point is there twice");
        let latest = store.run(&of).await.unwrap().metrics[&key];
        assert_eq!(Some(&latest.1), steps.last(), "the last value is that of the history");
    }
}
