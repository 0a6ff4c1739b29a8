//! The stores that everything is tried on.

use steward_runs::{Logged, NewGroup, NewRun, Point, RunStore};

/// A store, and what must outlive it.
pub struct Tried {
    pub store: RunStore,
    pub name: &'static str,
    _folder: Option<tempfile::TempDir>,
}

/// A fresh store on each database.
pub async fn all() -> Vec<Tried> {
    let folder = tempfile::tempdir().unwrap();
    let mut all = vec![Tried {
        store: RunStore::open(folder.path()).await.unwrap(),
        name: "SQLite",
        _folder: Some(folder),
    }];
    if let Ok(url) = std::env::var("STEWARD_POSTGRES_URL") {
        let schema = format!("runs_{}", steward_runs::new_id());
        all.push(Tried {
            store: RunStore::postgres(&url, &schema).await.unwrap(),
            name: "PostgreSQL",
            _folder: None,
        });
    }
    all
}

/// A group.
pub async fn group(store: &RunStore, name: &str) -> i64 {
    let new = NewGroup {
        name: name.into(),
        ..NewGroup::default()
    };
    store.create_group(new).await.unwrap()
}

/// A run that began at some time.
pub async fn run(store: &RunStore, group: i64, start_ms: i64) -> String {
    let new = NewRun {
        group,
        name: format!("run-{start_ms}"),
        user: "ada".into(),
        start_ms,
        tags: Vec::new(),
    };
    store.create_run(new).await.unwrap().id
}

/// A point.
pub fn point(key: &str, value: f64, at_ms: i64, step: i64) -> Point {
    Point {
        key: key.into(),
        value,
        at_ms,
        step,
        model: None,
        dataset: None,
    }
}

/// Points alone.
pub fn points(points: Vec<Point>) -> Logged {
    Logged {
        points,
        ..Logged::default()
    }
}
