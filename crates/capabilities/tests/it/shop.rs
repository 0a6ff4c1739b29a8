//! A small shop whose data and definitions are known: users, exposures, orders and sessions as CSV, drawn from a
//! counter-based generator, and the same rows in memory to compute by hand what the rooms answer.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use steward_capabilities::{Context, Facts};
use steward_compute::RunControl;
use steward_definitions::*;
use steward_engines::{DataFusionEngine, Options};
use steward_ledger::Ledger;

use crate::places::Schema;

pub const SECOND: i64 = 1_000_000;
pub const HOUR: i64 = 3600 * SECOND;
pub const DAY: i64 = 24 * HOUR;
/// 2025-03-01T00:00:00Z.
pub const START: i64 = 1_740_787_200 * SECOND;

/// A uniform number in [0, 1) for a key: SplitMix64.
pub fn uniform(purpose: u64, key: u64) -> f64 {
    let mut z = purpose
        .wrapping_mul(0xD134_2543_DE82_EF95)
        .wrapping_add(key.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
}

pub struct User {
    pub id: u64,
    pub country: &'static str,
    pub variant: &'static str,
    /// First exposure, microseconds.
    pub exposed: i64,
}

pub struct Order {
    pub user: u64,
    pub at: i64,
    pub cents: i64,
}

pub struct Session {
    pub user: u64,
    pub at: i64,
}

/// Rows of the shop.
pub struct Shop {
    pub users: Vec<User>,
    /// Further exposure rows: user, variant, time.
    pub again: Vec<(u64, &'static str, i64)>,
    pub orders: Vec<Order>,
    pub sessions: Vec<Session>,
}

impl Shop {
    /// `users` people, half in each variant, exposed over 14 days from [`START`]; treatment orders are worth a fifth
    /// more. Spending before and after exposure correlates.
    pub fn new(users: u64) -> Shop {
        let mut shop = Shop {
            users: Vec::new(),
            again: Vec::new(),
            orders: Vec::new(),
            sessions: Vec::new(),
        };
        for id in 0..users {
            let variant = if uniform(1, id) < 0.5 { "control" } else { "treatment" };
            let country = if uniform(2, id) < 0.3 { "DE" } else { "FR" };
            let exposed = START + (uniform(3, id) * 14.0 * DAY as f64) as i64 / SECOND * SECOND;
            let worth = 1000.0 + 4000.0 * uniform(4, id);
            for k in 0..6 {
                let key = id * 16 + k;
                let at = exposed + ((uniform(5, key) * 24.0 - 16.0) * DAY as f64) as i64 / SECOND * SECOND;
                if uniform(6, key) < 0.6 {
                    shop.sessions.push(Session { user: id, at });
                }
                if uniform(7, key) < 0.5 {
                    let lift = if variant == "treatment" && at >= exposed {
                        1.2
                    } else {
                        1.0
                    };
                    let cents = (worth * lift * (0.5 + uniform(8, key))).round() as i64;
                    shop.orders.push(Order { user: id, at, cents });
                }
            }
            // Half are exposed again later: only the first exposure counts.
            if uniform(9, id) < 0.5 {
                shop.again.push((id, variant, exposed + DAY));
            }
            shop.users.push(User {
                id,
                country,
                variant,
                exposed,
            });
        }
        shop
    }

    /// Writes the tables as CSV below `folder/data`.
    pub fn write(&self, folder: &Path) {
        let data = folder.join("data");
        std::fs::create_dir_all(&data).unwrap();
        let mut users = String::from("user_id,country\n");
        let mut exposures = String::from("user_id,variant,ts\n");
        let mut orders = String::from("order_id,user_id,ts,amount_cents\n");
        let mut sessions = String::from("session_id,user_id,ts\n");
        for u in &self.users {
            let _ = writeln!(users, "{},{}", u.id, u.country);
            let _ = writeln!(exposures, "{},{},{}", u.id, u.variant, time(u.exposed));
        }
        for (user, variant, at) in &self.again {
            let _ = writeln!(exposures, "{user},{variant},{}", time(*at));
        }
        for (i, o) in self.orders.iter().enumerate() {
            let _ = writeln!(orders, "{i},{},{},{}", o.user, time(o.at), o.cents);
        }
        for (i, s) in self.sessions.iter().enumerate() {
            let _ = writeln!(sessions, "{i},{},{}", s.user, time(s.at));
        }
        for (name, text) in [
            ("users", users),
            ("exposures", exposures),
            ("orders", orders),
            ("sessions", sessions),
        ] {
            std::fs::write(data.join(format!("{name}.csv")), text).unwrap();
        }
    }
}

pub fn time(us: i64) -> String {
    jiff::Timestamp::from_microsecond(us)
        .unwrap()
        .strftime("%Y-%m-%dT%H:%M:%SZ")
        .to_string()
}

/// Meta whose digest stands for the text it would have.
pub fn meta(name: &str, text: &str) -> project::Meta {
    project::Meta {
        name: name.into(),
        owner: "mara".into(),
        digest: steward_ledger::canonical::digest(format!("{name} {text}").as_bytes()),
        ..project::Meta::default()
    }
}

pub fn dataset(name: &str, columns: &[(&str, &str)]) -> Dataset {
    Dataset {
        meta: meta(name, &format!("{columns:?}")),
        contract_id: name.into(),
        version: "1.0.0".into(),
        status: "active".into(),
        location: Location {
            format: "csv".into(),
            path: format!("data/{name}.csv"),
            ..Location::default()
        },
        columns: columns
            .iter()
            .map(|(name, logical_type)| Column {
                name: (*name).into(),
                logical_type: (*logical_type).into(),
                ..Column::default()
            })
            .collect(),
        ..Dataset::default()
    }
}

pub fn measure(name: &str, aggregation: Aggregation, expr: &str) -> Measure {
    Measure {
        name: name.into(),
        aggregation,
        percentile: None,
        expr: expr.into(),
        time_dimension: None,
        non_additive: None,
        label: None,
        span: Span::default(),
    }
}

pub fn entity(name: &str, entity_type: EntityType, expr: &str) -> Entity {
    Entity {
        name: name.into(),
        entity_type,
        expr: expr.into(),
        span: Span::default(),
    }
}

pub fn dimension(name: &str, grain: Option<&str>) -> Dimension {
    Dimension {
        name: name.into(),
        time_granularity: grain.map(Into::into),
        expr: name.into(),
        label: None,
        span: Span::default(),
    }
}

pub fn simple(name: &str, measure: &str) -> Metric {
    Metric {
        meta: meta(name, measure),
        shape: MetricShape::Simple {
            measure: MeasureInput {
                name: measure.into(),
                ..MeasureInput::default()
            },
        },
        filter: None,
        experiment: MetricExperimentSettings::default(),
        unit: None,
    }
}

pub fn ratio(name: &str, numerator: &str, denominator: &str) -> Metric {
    let input = |name: &str| MetricInput {
        name: name.into(),
        ..MetricInput::default()
    };
    let shape = MetricShape::Ratio {
        numerator: input(numerator),
        denominator: input(denominator),
    };
    Metric {
        shape,
        ..simple(name, &format!("{numerator}/{denominator}"))
    }
}

pub fn model(
    name: &str,
    time: Option<&str>,
    entities: Vec<Entity>,
    dimensions: Vec<Dimension>,
    measures: Vec<Measure>,
) -> SemanticModel {
    SemanticModel {
        meta: meta(name, "model"),
        dataset: name.into(),
        time_dimension: time.map(Into::into),
        entities,
        dimensions,
        measures,
    }
}

/// The shop's definitions: metrics `revenue`, `buyers` (binary), `orders`, `order_value` (ratio in one table),
/// `revenue_per_session` (ratio over two tables); experiment `checkout`.
pub fn project() -> Project {
    let mut p = Project::default();
    p.settings.name = "shop".into();
    p.settings.time_zone = "UTC".into();
    p.settings.alpha = 0.05;
    p.settings.owner = Some("mara".into());
    for d in [
        dataset("users", &[("user_id", "integer"), ("country", "string")]),
        dataset(
            "exposures",
            &[("user_id", "integer"), ("variant", "string"), ("ts", "timestamp")],
        ),
        dataset(
            "orders",
            &[
                ("order_id", "integer"),
                ("user_id", "integer"),
                ("ts", "timestamp"),
                ("amount_cents", "integer"),
            ],
        ),
        dataset(
            "sessions",
            &[("session_id", "integer"), ("user_id", "integer"), ("ts", "timestamp")],
        ),
    ] {
        p.datasets.insert(d.meta.name.clone(), d);
    }
    let user = || entity("user", EntityType::Foreign, "user_id");
    for m in [
        model(
            "users",
            None,
            vec![entity("user", EntityType::Primary, "user_id")],
            vec![dimension("country", None)],
            vec![],
        ),
        model(
            "orders",
            Some("ts"),
            vec![entity("order", EntityType::Primary, "order_id"), user()],
            vec![dimension("ts", Some("second"))],
            vec![
                measure("revenue", Aggregation::Sum, "amount_cents"),
                measure("orders", Aggregation::Count, "order_id"),
                measure("mean_order", Aggregation::Average, "amount_cents"),
            ],
        ),
        model(
            "sessions",
            Some("ts"),
            vec![entity("session", EntityType::Primary, "session_id"), user()],
            vec![dimension("ts", Some("second"))],
            vec![measure("sessions", Aggregation::Count, "session_id")],
        ),
    ] {
        p.semantic_models.insert(m.meta.name.clone(), m);
    }
    let mut buyers = simple("buyers", "orders");
    buyers.experiment.binary = true;
    for m in [
        simple("revenue", "revenue"),
        simple("orders", "orders"),
        simple("sessions", "sessions"),
        simple("mean_order", "mean_order"),
        buyers,
        ratio("order_value", "revenue", "orders"),
        ratio("revenue_per_session", "revenue", "sessions"),
    ] {
        p.metrics.insert(m.meta.name.clone(), m);
    }
    let experiment = Experiment {
        meta: meta("checkout", "experiment"),
        exposures: Exposures {
            dataset: "exposures".into(),
            unit: "user_id".into(),
            entity: "user".into(),
            variant: "variant".into(),
            time: Some("ts".into()),
            ..Exposures::default()
        },
        variants: vec![arm("control", true), arm("treatment", false)],
        start: Some("2025-03-01".into()),
        end: Some("2025-03-15".into()),
        primary: vec!["revenue".into(), "buyers".into()],
        secondary: vec!["order_value".into(), "revenue_per_session".into(), "mean_order".into()],
        guardrails: vec![Guardrail {
            metric: "orders".into(),
            margin: 0.05,
        }],
        window_seconds: Some(259_200),
        cuped_days: 14,
        breakdowns: vec!["user__country".into()],
        alpha: 0.05,
        correction: "holm".into(),
        ..Experiment::default()
    };
    p.experiments.insert("checkout".into(), experiment);
    p
}

pub fn arm(name: &str, control: bool) -> Variant {
    Variant {
        name: name.into(),
        weight: 1.0,
        control,
        label: None,
    }
}

/// Changes the definitions of the experiment, its digest with them.
pub fn edit(project: &mut Project, change: impl FnOnce(&mut Experiment)) {
    let experiment = project.experiments.get_mut("checkout").unwrap();
    change(experiment);
    experiment.meta.digest = steward_ledger::canonical::digest(format!("{experiment:?}").as_bytes());
}

/// A project at work in a temporary folder. The clock ticks a millisecond with every event.
pub struct Ground {
    pub context: Context,
    /// The same tables on the embedded engine, whichever the context runs on.
    pub by_hand: Context,
    pub schema: Option<Schema>,
    pub folder: tempfile::TempDir,
    pub clock: Arc<AtomicI64>,
}

impl Ground {
    /// Opens `project` over the shop's tables, "now" 2025-04-01.
    pub async fn open(shop: &Shop, project: Project) -> Ground {
        let folder = tempfile::tempdir().unwrap();
        shop.write(folder.path());
        Ground::over(folder, project).await
    }

    /// Opens a project over a folder that holds its data.
    pub async fn over(folder: tempfile::TempDir, project: Project) -> Ground {
        let now = START + 31 * DAY;
        let clock = Arc::new(AtomicI64::new(now));
        let ticking = clock.clone();
        let ledger = Ledger::open(
            &folder.path().join("store"),
            Arc::new(move || ticking.fetch_add(1000, Ordering::SeqCst)),
        )
        .await
        .unwrap();
        let options = Options {
            temp_dir: folder.path().join("tmp"),
            threads: 2,
            ..Options::default()
        };
        let context = Context {
            project: Arc::new(project),
            engine: Arc::new(DataFusionEngine::new(options).unwrap()),
            ledger,
            facts: Facts::of(folder.path(), Arc::new(move || now)),
            tracking: steward_capabilities::Tracking::of(&folder.path().join(".steward")),
            artifacts: steward_artifacts::ArtifactStore::in_memory(),
            folder: folder.path().to_path_buf(),
            now_us: now,
            control: RunControl::default(),
        };
        let failed = context.register().await;
        assert!(failed.is_empty(), "{failed:?}");
        Ground {
            by_hand: context.clone(),
            context,
            schema: None,
            folder,
            clock,
        }
    }

    /// The same ground with other definitions.
    pub fn with(&self, project: Project) -> Context {
        let project = match &self.schema {
            Some(schema) => schema.moved(project),
            None => project,
        };
        Context {
            project: Arc::new(project),
            ..self.context.clone()
        }
    }
}

/// Sums per user over facts in `[from, to)` relative to the exposure, in microseconds.
pub fn per_user<'a>(
    shop: &'a Shop,
    facts: impl Iterator<Item = (u64, i64, f64)> + 'a,
    from: i64,
    to: i64,
) -> BTreeMap<u64, f64> {
    let exposed: BTreeMap<u64, i64> = shop.users.iter().map(|u| (u.id, u.exposed)).collect();
    let mut all: BTreeMap<u64, f64> = shop.users.iter().map(|u| (u.id, 0.0)).collect();
    for (user, at, x) in facts {
        let since = at - exposed[&user];
        if (from..to).contains(&since) {
            *all.get_mut(&user).unwrap() += x;
        }
    }
    all
}
