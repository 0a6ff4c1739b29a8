//! Designs in closed worlds whose truth is known: what is randomised decides what may be believed.

use std::fmt::Write as _;

use steward_capabilities::experiments::{Outcome, Readout, ReadoutOptions, readout};
use steward_definitions::{ClusterDesign, Design, Project, SwitchbackDesign};
use steward_stats::Rng;

use crate::shop::{DAY, Ground, HOUR, SECOND, START, edit, project, time};

/// Writes the shop's tables by hand.
struct Tables {
    users: String,
    exposures: String,
    orders: String,
    rows: u64,
}

impl Tables {
    fn new() -> Tables {
        Tables {
            users: "user_id,country\n".into(),
            exposures: "user_id,variant,ts\n".into(),
            orders: "order_id,user_id,ts,amount_cents\n".into(),
            rows: 0,
        }
    }

    /// A unit of a place, exposed at a moment, with one order.
    fn unit(&mut self, place: &str, variant: &str, at: i64, cents: f64) {
        self.rows += 1;
        let (id, at) = (self.rows, time(at / SECOND * SECOND));
        let _ = writeln!(self.users, "{id},{place}");
        let _ = writeln!(self.exposures, "{id},{variant},{at}");
        let _ = writeln!(self.orders, "{id},{id},{at},{}", cents.round());
    }

    async fn read(&self, design: Design) -> Readout {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        std::fs::create_dir_all(&data).unwrap();
        for (name, text) in [
            ("users", self.users.as_str()),
            ("exposures", &self.exposures),
            ("orders", &self.orders),
            ("sessions", "session_id,user_id,ts\n"),
        ] {
            std::fs::write(data.join(format!("{name}.csv")), text).unwrap();
        }
        let ground = Ground::over(folder, definitions(design)).await;
        readout(&ground.context, "checkout", &ReadoutOptions::default())
            .await
            .unwrap()
    }
}

fn definitions(design: Design) -> Project {
    let mut project = project();
    edit(&mut project, |e| {
        e.primary = vec!["revenue".into()];
        e.secondary.clear();
        e.guardrails.clear();
        e.cuped_days = 0;
        e.window_seconds = None;
        e.breakdowns = vec!["user__country".into()];
        e.design = design;
    });
    project
}

fn by_country() -> Design {
    Design::Cluster(ClusterDesign {
        by: "user__country".into(),
    })
}

/// Clusters with luck of their own; `effect` is added in the treated ones.
fn clusters(seed: u64, count: u64, effect: f64) -> Tables {
    let mut rng = Rng::keyed(seed, &[1]);
    let mut tables = Tables::new();
    for c in 0..count {
        let treated = c % 2 == 1;
        let luck = 300.0 * rng.normal();
        let size = 10 + rng.below(20);
        for _ in 0..size {
            let value = 3000.0 + luck + 400.0 * rng.normal() + if treated { effect } else { 0.0 };
            let at = START + (rng.uniform() * 13.0 * DAY as f64) as i64;
            tables.unit(
                &format!("c{c}"),
                if treated { "treatment" } else { "control" },
                at,
                value,
            );
        }
    }
    tables
}

#[tokio::test]
async fn intervals_over_clusters_cover_and_those_of_units_do_not() {
    let (runs, effect) = (80, 200.0);
    let (mut covered, mut naive) = (0, 0);
    for seed in 0..runs {
        let found = clusters(seed, 16, effect).read(by_country()).await;
        let e = found.metrics[0].absolute.estimate().unwrap().clone();
        let design = found.design.unwrap();
        let n = design.naive[0].absolute.estimate().unwrap();
        assert!(e.df.unwrap() < 15.0 && e.se > 0.0);
        covered += u64::from(e.low <= effect && effect <= e.high);
        naive += u64::from(n.low <= effect && effect <= n.high);
        // Both weigh units alike: only what is known of the luck differs.
        assert!((e.point - n.point).abs() < 1e-6 * n.point.abs().max(1.0));
    }
    // 95% less four binomial standard errors.
    assert!(covered as f64 >= 0.85 * runs as f64, "{covered} of {runs}");
    assert!((naive as f64) < 0.7 * runs as f64, "{naive} of {runs}");
}

#[tokio::test]
async fn few_clusters_are_refused_with_the_reason_and_mixed_ones_left_out() {
    let found = clusters(1, 4, 0.0).read(by_country()).await;
    assert_eq!(found.outcome, Outcome::NotEstimable, "{}", found.verdict);
    let refusal = found.metrics[0].not_estimable.as_ref().unwrap();
    assert!(refusal.detail.contains("2 treated clusters"), "{refusal}");
    assert!(found.verdict.contains("at least 3 clusters"), "{}", found.verdict);
    assert!(found.daily.is_empty() && found.breakdowns[0].problem.is_some());

    let mut tables = clusters(2, 12, 0.0);
    tables.unit("c0", "treatment", START + DAY, 3000.0);
    let found = tables.read(by_country()).await;
    let cluster = found.design.as_ref().unwrap().cluster.as_ref().unwrap();
    assert_eq!(cluster.mixed, 1);
    assert_eq!(cluster.clusters.iter().map(|c| c.count).collect::<Vec<_>>(), [5, 6]);
    assert!(found.health.problems.iter().any(|p| p.code == "mixed-clusters"));
    // Twelve against one cluster is no accident of half and half.
    let mut skewed = Tables::new();
    for c in 0..40 {
        let variant = if c < 36 { "control" } else { "treatment" };
        for k in 0..5 {
            skewed.unit(&format!("c{c}"), variant, START + k * HOUR, 3000.0 + (c * k) as f64);
        }
    }
    let found = skewed.read(by_country()).await;
    assert_eq!(found.outcome, Outcome::DoNotTrust, "{}", found.verdict);
    assert!(
        found.health.problems[0].message.contains("clusters"),
        "{:?}",
        found.health.problems
    );
}

fn every(period: i64) -> SwitchbackDesign {
    SwitchbackDesign {
        by: "user__country".into(),
        period_seconds: (period / SECOND) as u64,
        ..SwitchbackDesign::default()
    }
}

/// Three regions that switch by the coin every 6 hours over 12 days. `own` is what treatment adds, `shared` what the
/// treated share of the market takes, `after` what a treated period leaves to the next.
fn switching(seed: u64, own: f64, shared: f64, after: f64) -> Tables {
    let shares = [0.5, 0.3, 0.2];
    let mut rng = Rng::keyed(seed, &[2]);
    let mut tables = Tables::new();
    let mut before = [false; 3];
    for period in 0..48i64 {
        let on: Vec<bool> = (0..3).map(|_| rng.bernoulli(0.5)).collect();
        let treated: f64 = on.iter().zip(shares).map(|(o, s)| if *o { s } else { 0.0 }).sum();
        for region in 0..3 {
            let luck = 60.0 * rng.normal();
            for _ in 0..(20.0 * shares[region]) as u64 {
                let flag = |b: bool| f64::from(u8::from(b));
                let value = 1000.0
                    + 100.0 * region as f64
                    + own * flag(on[region])
                    + shared * treated
                    + after * flag(before[region])
                    + luck
                    + 200.0 * rng.normal();
                let at = START + period * 6 * HOUR + (rng.uniform() * 6.0 * HOUR as f64) as i64;
                let variant = if on[region] { "treatment" } else { "control" };
                tables.unit(&format!("r{region}"), variant, at, value);
            }
            before[region] = on[region];
        }
    }
    tables
}

#[tokio::test]
async fn a_switchback_covers_what_all_treated_against_none_would_do() {
    let runs = 60;
    let (mut global, mut own) = (0, 0);
    let covers = |e: &steward_stats::Estimate, truth: f64| u64::from(e.low <= truth && truth <= e.high);
    for seed in 0..runs {
        let design = SwitchbackDesign {
            spillover: true,
            ..every(6 * HOUR)
        };
        let found = switching(seed, 150.0, -150.0, 0.0)
            .read(Design::Switchback(design))
            .await;
        global += covers(found.metrics[0].absolute.estimate().unwrap(), 0.0);
        let s = found.design.as_ref().unwrap().switchback.as_ref().unwrap();
        own += covers(s.effects[0].own.estimate().unwrap(), 150.0);
        assert_eq!((s.mixed, s.empty, s.regions.len()), (0, 0, 3));
    }
    // 95% less four binomial standard errors.
    assert!(global as f64 >= 0.83 * runs as f64, "{global} of {runs}");
    assert!(own as f64 >= 0.83 * runs as f64, "{own} of {runs}");
}

#[tokio::test]
async fn carry_over_is_found_and_a_washout_removes_it() {
    let found = switching(5, 200.0, 0.0, 400.0)
        .read(Design::Switchback(every(6 * HOUR)))
        .await;
    let s = found.design.as_ref().unwrap().switchback.as_ref().unwrap();
    let carried = s.effects[0].carry_over.estimate().unwrap();
    assert!(
        carried.low > 0.0 && carried.low < 400.0 && carried.high > 400.0,
        "{carried:?}"
    );
    // Left out after each switch: as many units less.
    let washed = SwitchbackDesign {
        washout_seconds: (3 * HOUR / SECOND) as u64,
        ..every(6 * HOUR)
    };
    let less = switching(5, 200.0, 0.0, 0.0).read(Design::Switchback(washed)).await;
    let e = less.metrics[0].absolute.estimate().unwrap();
    assert!(e.low < 200.0 && e.high > 200.0 && e.low > 0.0, "{e:?}");
}

#[tokio::test]
async fn periods_without_data_or_with_both_variants_are_said() {
    let mut tables = Tables::new();
    for period in 0..40i64 {
        if period == 7 {
            continue;
        }
        for k in 0..6 {
            let variant = if period % 2 == 0 { "control" } else { "treatment" };
            let other = if period == 9 && k < 3 { "control" } else { variant };
            tables.unit(
                "r",
                other,
                START + period * 6 * HOUR + k * HOUR,
                1000.0 + (k * period) as f64,
            );
        }
    }
    let found = tables.read(Design::Switchback(every(6 * HOUR))).await;
    let s = found.design.as_ref().unwrap().switchback.as_ref().unwrap();
    assert_eq!((s.mixed, s.empty), (1, 1));
    let codes: Vec<&str> = found.health.problems.iter().map(|p| p.code.as_str()).collect();
    assert!(
        codes.contains(&"mixed-periods") && codes.contains(&"empty-periods"),
        "{codes:?}"
    );
    // One region that never switches back cannot be read.
    let mut once = Tables::new();
    for period in 0..2i64 {
        for k in 0..20 {
            let variant = if period == 0 { "control" } else { "treatment" };
            once.unit("r", variant, START + period * 6 * HOUR + k * SECOND, 1000.0 + k as f64);
        }
    }
    let found = once.read(Design::Switchback(every(6 * HOUR))).await;
    assert_eq!(found.outcome, Outcome::NotEstimable, "{}", found.verdict);
}

#[tokio::test]
async fn what_was_not_declared_is_exploratory_and_a_family_of_its_own() {
    let shop = crate::shop::Shop::new(4000);
    let ground = Ground::open(&shop, project()).await;
    let read = async |by: &[&str], map: Option<[&str; 2]>| {
        let options = ReadoutOptions {
            by: by.iter().map(|b| (*b).to_owned()).collect(),
            map: map.map(|m| m.map(str::to_owned)),
            ..ReadoutOptions::default()
        };
        readout(&ground.context, "checkout", &options).await
    };
    let plain = read(&[], None).await.unwrap();
    let found = read(&["variant"], Some(["user__country", "variant"])).await.unwrap();
    let flags: Vec<bool> = found.breakdowns.iter().map(|b| b.exploratory).collect();
    assert_eq!(flags, [false, true]);
    // What is looked at afterwards does not weaken what was declared.
    assert_eq!(found.breakdowns[0], plain.breakdowns[0]);
    assert_eq!(found.metrics, plain.metrics);
    assert!(plain.maps.is_empty());
    let map = &found.maps[0];
    assert_eq!(map.dimensions, ["user__country", "variant"]);
    let units: u64 = map.cells.iter().flat_map(|c| c.units.values()).sum();
    assert_eq!(units, found.health.units);
    assert_eq!(map.cells[0].values, ["DE", "control"]);
    // A declared dimension asked for again stays declared.
    let again = read(&["user__country"], None).await.unwrap();
    assert!(again.breakdowns.iter().all(|b| !b.exploratory) && again.breakdowns.len() == 1);
    let unknown = read(&["user__contry"], None).await.unwrap_err();
    assert!(unknown.to_string().contains("user__contry"), "{unknown}");
}
