//! Designs in closed worlds whose truth is known: what is randomised decides what may be believed.

use std::fmt::Write as _;
use std::path::Path;

use steward_capabilities::experiments::{Outcome, Readout, ReadoutOptions, interactions, readout};
use steward_definitions::{
    ClusterDesign, Design, Factor, FactorCell, FactorialDesign, Flag, FlagRule, GeoDesign, HoldoutDesign, Project,
    Serve, Slice, Split, SwitchbackDesign,
};
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

    fn write(&self, folder: &Path) {
        let data = folder.join("data");
        std::fs::create_dir_all(&data).unwrap();
        for (name, text) in [
            ("users", self.users.as_str()),
            ("exposures", &self.exposures),
            ("orders", &self.orders),
            ("sessions", "session_id,user_id,ts\n"),
        ] {
            std::fs::write(data.join(format!("{name}.csv")), text).unwrap();
        }
    }

    async fn read(&self, design: Design) -> Readout {
        let folder = tempfile::tempdir().unwrap();
        self.write(folder.path());
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
async fn few_clusters_are_bootstrapped_beside_their_errors() {
    let found = clusters(3, 8, 2000.0).read(by_country()).await;
    let e = found.metrics[0].absolute.estimate().unwrap();
    let cluster = found.design.as_ref().unwrap().cluster.as_ref().unwrap();
    let wild = &cluster.bootstrap[0];
    assert_eq!((wild.metric.as_str(), wild.variant.as_str()), ("revenue", "treatment"));
    let b = wild.absolute.estimate().unwrap();
    assert!((b.point - e.point).abs() < 1e-6 * e.point.abs(), "{b:?} {e:?}");
    assert!(b.low < 2000.0 && 2000.0 < b.high && b.p.unwrap() < 0.05, "{b:?}");
    let many = clusters(3, 12, 2000.0).read(by_country()).await;
    assert!(many.design.unwrap().cluster.unwrap().bootstrap.is_empty());
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

#[tokio::test]
async fn experiments_that_disturb_each_other_are_found_and_layers_keep_them_apart() {
    // The banner is worth 400 alone, and nothing to those who also see the second experiment's treatment.
    let mut tables = Tables::new();
    let mut rng = Rng::keyed(11, &[3]);
    let mut banners = String::from("user_id,variant,ts\n");
    for k in 0..1200u64 {
        let (checkout, banner) = (rng.bernoulli(0.5), rng.bernoulli(0.5));
        let lift = if checkout && !banner { 400.0 } else { 0.0 };
        let at = START + DAY + (k as i64) * SECOND;
        let variant = |on: bool| if on { "treatment" } else { "control" };
        tables.unit("DE", variant(checkout), at, 3000.0 + lift + 500.0 * rng.normal());
        let _ = writeln!(banners, "{},{},{}", tables.rows, variant(banner), time(at));
        if k < 20 {
            // Seen in both variants: left out.
            let _ = writeln!(banners, "{},{},{}", tables.rows, variant(!banner), time(at));
        }
    }
    let folder = tempfile::tempdir().unwrap();
    tables.write(folder.path());
    std::fs::write(folder.path().join("data/banners.csv"), banners).unwrap();
    let mut project = definitions(Design::Units);
    let columns = [("user_id", "integer"), ("variant", "string"), ("ts", "timestamp")];
    let banners = crate::shop::dataset("banners", &columns);
    project.datasets.insert("banners".into(), banners);
    let mut other = project.experiments["checkout"].clone();
    other.meta.name = "banner".into();
    other.exposures.dataset = "banners".into();
    project.experiments.insert("banner".into(), other);
    let mut apart = project.clone();
    let ground = Ground::over(folder, project).await;
    let found = interactions(&ground.context, Some(("checkout", "banner")))
        .await
        .unwrap();
    let pair = &found.pairs[0];
    assert_eq!((pair.units, found.pairs.len()), (1180, 1));
    let test = pair.test.unwrap();
    assert!(test.interact && test.p < 1e-6 && test.df == 1, "{test:?}");
    let effect = pair.interactions[0].effect.estimate().unwrap();
    assert!(effect.low < -400.0 && effect.high > -400.0, "{effect:?}");
    let all = interactions(&ground.context, None).await.unwrap();
    assert_eq!(all.pairs.len(), 1);

    let split = |experiment: &str, range: [f64; 2]| FlagRule {
        serve: Serve::Split(Split {
            experiment: Some(experiment.into()),
            ..Split::default()
        }),
        layer: Some(Slice {
            layer: "page".into(),
            range,
        }),
        ..FlagRule::default()
    };
    let flag = Flag {
        rules: vec![split("checkout", [0.0, 0.5]), split("banner", [0.5, 1.0])],
        ..Flag::default()
    };
    apart.flags.insert("page".into(), flag);
    let found = interactions(&ground.with(apart), None).await.unwrap();
    assert!(found.pairs[0].test.is_none());
    assert!(
        found.pairs[0].sentence.contains("layer page"),
        "{}",
        found.pairs[0].sentence
    );
}

#[tokio::test]
async fn factors_are_read_alone_and_together() {
    // Price adds 300, the page 200, both together 400 less.
    let mut tables = Tables::new();
    let mut rng = Rng::keyed(12, &[4]);
    for k in 0..2000i64 {
        let (price, page) = (rng.bernoulli(0.5), rng.bernoulli(0.5));
        let flag = |b: bool| f64::from(u8::from(b));
        let value = 3000.0 + 300.0 * flag(price) + 200.0 * flag(page) - 400.0 * flag(price && page);
        let variant = ["a", "b", "c", "d"][usize::from(price) + 2 * usize::from(page)];
        tables.unit("DE", variant, START + k * SECOND, value + 300.0 * rng.normal());
    }
    let factor = |name: &str| Factor {
        name: name.into(),
        levels: vec!["old".into(), "new".into()],
    };
    let cells = ["a", "b", "c", "d"].iter().enumerate().map(|(i, v)| FactorCell {
        name: (*v).into(),
        levels: vec![i % 2, i / 2],
    });
    let design = FactorialDesign {
        factors: vec![factor("price"), factor("page")],
        cells: cells.collect(),
    };
    let folder = tempfile::tempdir().unwrap();
    tables.write(folder.path());
    let mut project = definitions(Design::Factorial(design));
    edit(&mut project, |e| {
        let arm = crate::shop::arm;
        e.variants = vec![arm("a", true), arm("b", false), arm("c", false), arm("d", false)];
    });
    let ground = Ground::over(folder, project).await;
    let found = readout(&ground.context, "checkout", &ReadoutOptions::default())
        .await
        .unwrap();
    let effects = &found.design.as_ref().unwrap().factorial.as_ref().unwrap().effects[0].effects;
    let truths = [("price", 100.0), ("page", 0.0), ("price page", -400.0)];
    for (effect, (name, truth)) in effects.iter().zip(truths) {
        let e = effect.effect.estimate().unwrap();
        assert_eq!(effect.factors.join(" "), name);
        assert!((e.point - truth).abs() < 4.0 * e.se, "{name}: {e:?}");
    }
    assert!(
        found.verdict.contains("price new with page new interact"),
        "{}",
        found.verdict
    );
    // Each combination against the control stays what it is.
    assert_eq!(found.metrics.len(), 3);
}

#[tokio::test]
async fn what_all_launches_are_worth_adds_up_over_months() {
    let mut tables = Tables::new();
    let mut rng = Rng::keyed(13, &[5]);
    for k in 0..3000i64 {
        let held = rng.bernoulli(0.2);
        let value = 3000.0 + if held { 0.0 } else { 250.0 } + 400.0 * rng.normal();
        let at = START + (k % 28) * DAY + k * SECOND;
        tables.unit("DE", if held { "control" } else { "treatment" }, at, value);
    }
    let design = HoldoutDesign {
        everything: "treatment".into(),
        shipped: None,
    };
    let folder = tempfile::tempdir().unwrap();
    tables.write(folder.path());
    let mut project = definitions(Design::Holdout(design));
    edit(&mut project, |e| {
        e.variants[1].weight = 4.0;
        e.start = Some("2025-02-20".into());
        e.end = Some("2025-03-29".into());
    });
    let ground = Ground::over(folder, project).await;
    let found = readout(&ground.context, "checkout", &ReadoutOptions::default())
        .await
        .unwrap();
    let value = &found.design.as_ref().unwrap().holdout.as_ref().unwrap().values[0];
    assert_eq!((value.scope.as_str(), value.path.len()), ("everything", 2));
    let total = value.total.estimate().unwrap();
    assert!(
        (total.point - 250.0 * value.units as f64).abs() < 4.0 * total.se,
        "{total:?}"
    );
    // The last point is the whole; the same lift as in the metrics.
    let lift = found.metrics[0].absolute.estimate().unwrap();
    assert!((total.point - lift.point * value.units as f64).abs() < 1e-6 * total.point.abs());
    assert_eq!(value.path[0].until, "2025-02-28");
}

/// Markets that share weeks and a trend; those named are treated from day 0 on.
fn markets(seed: u64, count: u64, treated: &[u64], effect: f64) -> Tables {
    let mut tables = Tables::new();
    let mut rng = Rng::keyed(seed, &[1]);
    let shared: Vec<f64> = (0..40)
        .map(|w| 20.0 * f64::from(w).sin() + 10.0 * rng.normal())
        .collect();
    for m in 0..count {
        let size = 8.0 + 4.0 * rng.uniform();
        let arm = if treated.contains(&m) { "treatment" } else { "control" };
        let _ = writeln!(tables.users, "{m},DE");
        let _ = writeln!(tables.exposures, "{m},{arm},{}", time(START));
        for day in -24..14i64 {
            let moves = shared[(day + 24) as usize];
            let lift = if day >= 0 && arm == "treatment" {
                1.0 + effect
            } else {
                1.0
            };
            let value = (size * (300.0 + moves) + 15.0 * rng.normal()) * lift;
            tables.rows += 1;
            let at = time(START + day * DAY + 6 * HOUR);
            let _ = writeln!(tables.orders, "{},{m},{at},{}", tables.rows, value.round());
        }
    }
    tables
}

fn geo() -> Design {
    Design::Geo(GeoDesign {
        period_seconds: 86_400,
        before_seconds: 24 * 86_400,
    })
}

#[tokio::test]
async fn treated_markets_are_held_against_a_mixture_of_the_others() {
    let found = markets(1, 24, &[3], 0.2).read(geo()).await;
    let design = found.design.as_ref().unwrap();
    let geo = &design.geo.as_ref().unwrap().metrics[0];
    assert_eq!(
        (geo.donors, geo.ranked, geo.treated.as_slice()),
        (23, 24, ["3".to_owned()].as_slice())
    );
    let shares: f64 = geo.weights.iter().map(|w| w.share).sum();
    assert!((shares - 1.0).abs() < 1e-4, "{shares}");
    assert_eq!(geo.gaps.len(), 38);
    assert!((geo.p - 1.0 / 24.0).abs() < 1e-9, "{}", geo.p);
    let relative = found.metrics[0].relative.estimate().unwrap();
    assert!((relative.point - 0.2).abs() < 0.02, "{relative:?}");
    assert!(
        relative.low > 0.0 && relative.low < 0.2 && relative.high > 0.2 * 0.9,
        "{relative:?}"
    );
    assert!(
        found.health.srm.p.is_none() && found.health.ok,
        "{:?}",
        found.health.problems
    );
    assert!(
        geo.detectable_relative.is_some_and(|d| d < 0.2),
        "{:?}",
        geo.detectable_relative
    );
}

#[tokio::test]
async fn markets_without_effect_are_not_told_apart_and_few_are_refused() {
    let found = markets(2, 24, &[3, 7], 0.0).read(geo()).await;
    let e = found.metrics[0].absolute.estimate().unwrap();
    assert!(e.low < 0.0 && 0.0 < e.high && e.p.unwrap() > 0.05, "{e:?}");
    // Nine placebos cannot speak at 95%: the smallest p is a tenth.
    let found = markets(3, 10, &[3], 0.2).read(geo()).await;
    assert_eq!(found.outcome, Outcome::NotEstimable, "{}", found.verdict);
    let refusal = found.metrics[0].not_estimable.as_ref().unwrap();
    assert!(refusal.detail.contains("smallest p"), "{refusal}");
}
