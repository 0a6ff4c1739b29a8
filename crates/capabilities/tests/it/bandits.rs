//! A bandit in a closed world: plays arrive as its flag serves them, weights follow in batches, the readout is unbiased.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use steward_capabilities::bandits::{self, Policy, State, evaluate, readout, update};
use steward_capabilities::flags::{self, Subject, parse_json};
use steward_capabilities::{Context, governance};
use steward_definitions::{Project, Source};
use steward_stats::Rng;

use crate::shop::{DAY, Ground, SECOND, START, time};

const PLAYS: &str = "apiVersion: v3.1.0\nkind: DataContract\nid: plays\nversion: 1.0.0\nstatus: active\nservers:\n  - {server: local, type: local, path: data/plays.csv, format: csv}\nschema:\n  - name: plays\n    properties:\n      - {name: user_id, logicalType: string}\n      - {name: arm, logicalType: string}\n      - {name: device, logicalType: string}\n      - {name: reward, logicalType: number}\n      - {name: p, logicalType: number}\n      - {name: ts, logicalType: timestamp}\n";

const BANDIT: &str = "bandit: headline\nowner: mara\narms: [plain, playful, urgent]\nreward: {kind: bernoulli}\nplays: {dataset: plays, arm: arm, reward: reward, time: ts, unit: user_id}\nfloor: 0.2\nupdate: {every: 1 day, burn_in: 5}\nstart: 2025-03-01\n";

const FLAG: &str = "flag: headline\nowner: mara\ntype: string\ndefault: plain\nrules:\n  - rule: best\n    bandit: headline\n    split:\n      - {name: plain, value: plain}\n      - {name: playful, value: playful}\n      - {name: urgent, value: urgent}\n";

fn project(bandit: &str) -> Project {
    let source = |path: &str, text: &str| Source {
        path: path.into(),
        text: text.into(),
    };
    let (project, problems) = Project::parse(&[
        source("steward.yaml", "project: shop\nowner: mara\ntime_zone: UTC\n"),
        source("datasets/plays.yaml", PLAYS),
        source("bandits/headline.yaml", bandit),
        source("flags/headline.yaml", FLAG),
    ]);
    let errors: Vec<_> = problems
        .iter()
        .filter(|p| p.severity == steward_definitions::Severity::Error)
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
    project
}

struct World {
    ground: Ground,
    rows: String,
    units: u64,
}

impl World {
    async fn new(bandit: &str) -> World {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("data")).unwrap();
        let rows = "user_id,arm,device,reward,p,ts\n".to_owned();
        std::fs::write(folder.path().join("data/plays.csv"), &rows).unwrap();
        let ground = Ground::over(folder, project(bandit)).await;
        governance::apply(&ground.context, "mara", "start", None).await.unwrap();
        World { ground, rows, units: 0 }
    }

    fn at(&self, day: i64) -> Context {
        Context {
            now_us: START + day * DAY,
            ..self.ground.context.clone()
        }
    }

    /// A day of plays, each with the arm that the flag serves then.
    async fn day(&mut self, day: i64, plays: u64, rate: &dyn Fn(&str, &str) -> f64) -> BTreeMap<String, u64> {
        let context = self.at(day);
        let live = flags::live(&context.ledger, context.now_us, None).await.unwrap();
        let mut served = BTreeMap::new();
        for _ in 0..plays {
            self.units += 1;
            let mut rng = Rng::keyed(17, &[self.units]);
            let device = if rng.bernoulli(0.5) { "mobile" } else { "desktop" };
            let attributes = parse_json(&format!(r#"{{"id":"u{}","device":"{device}"}}"#, self.units)).unwrap();
            let answer = live.answer("headline", &mut Subject::new(&attributes)).unwrap();
            let arm = answer.variant.to_owned();
            let reward = u8::from(rng.bernoulli(rate(&arm, device)));
            let at = time((context.now_us + 3600 * SECOND + rng.below(80_000) as i64 * SECOND) / SECOND * SECOND);
            let _ = writeln!(self.rows, "u{},{arm},{device},{reward},,{at}", self.units);
            *served.entry(arm).or_default() += 1;
        }
        let file = self.ground.folder.path().join("data/plays.csv");
        std::fs::write(file, &self.rows).unwrap();
        assert!(self.ground.context.register().await.is_empty());
        served
    }
}

fn truth(arm: &str, _: &str) -> f64 {
    match arm {
        "playful" => 0.35,
        "urgent" => 0.12,
        _ => 0.2,
    }
}

#[tokio::test]
async fn weights_follow_rewards_and_the_flag_serves_them() {
    let mut world = World::new(BANDIT).await;
    // Without weights the split is even.
    let served = world.day(0, 300, &truth).await;
    assert!(served.values().all(|n| (70..135).contains(n)), "{served:?}");
    let first = update(&world.at(1), "headline", false).await.unwrap();
    assert!(first.updated, "{first:?}");
    let weighing = first.weighing.unwrap();
    assert!((weighing.weights.iter().sum::<f64>() - 1.0).abs() < 1e-9);
    // The floor of 0.2 leaves no arm below a third of it.
    assert!(weighing.weights.iter().all(|w| *w >= 0.2 / 3.0 - 1e-12), "{weighing:?}");
    assert!(weighing.weights[1] > 0.5, "{weighing:?}");
    assert_eq!(weighing.plays, 300);
    // Not before a day has passed, and the same data set nothing twice.
    let again = update(&world.at(1), "headline", false).await.unwrap();
    assert!(!again.updated && again.because.contains("not due"), "{again:?}");
    let served = world.day(1, 600, &truth).await;
    let share = served["playful"] as f64 / 600.0;
    assert!((share - weighing.weights[1]).abs() < 0.08, "{served:?} {weighing:?}");
    for day in 2..5 {
        assert!(update(&world.at(day), "headline", false).await.unwrap().updated);
        world.day(day, 400, &truth).await;
    }
    let found = readout(&world.at(5), "headline", None).await.unwrap();
    let read = &found.value;
    assert_eq!((read.plays, read.batches), (2100, 5));
    assert_eq!(read.recommendation.state, State::Stop, "{:?}", read.recommendation);
    assert_eq!(read.recommendation.arm.as_deref(), Some("playful"));
    assert!(read.recommendation.summary.starts_with("Stop with playful"));
    assert!(!read.split.as_ref().unwrap().broken, "{:?}", read.split);
    for (arm, rate) in read.arms.iter().zip([0.2, 0.35, 0.12]) {
        let e = arm.value.estimate().unwrap();
        assert!((e.point - rate).abs() < 4.0 * e.se, "{arm:?}");
    }
    let lift = read.arms[1].difference.as_ref().unwrap().estimate().unwrap();
    assert!(lift.low > 0.0 && lift.p.unwrap() < 0.01, "{lift:?}");
    // The same data are read once; the events cite it.
    assert!(readout(&world.at(5), "headline", None).await.unwrap().reused);
    let all = bandits::weighings(&world.ground.context.ledger, None).await.unwrap();
    assert_eq!(all["headline"].len(), 4);
    assert!(all["headline"].iter().all(|w| w.evidence.is_some()));

    // What other policies would have earned.
    let always = evaluate(&world.at(5), "headline", &Policy::always("playful"), None)
        .await
        .unwrap()
        .value;
    for e in [&always.ips, &always.snips, always.dr.as_ref().unwrap()] {
        assert!((e.point - 0.35).abs() < 4.0 * e.se, "{e:?}");
    }
    assert!(always.logged.point < always.snips.point);
    assert_eq!(always.propensities, "weights");
    let worst = evaluate(&world.at(5), "headline", &Policy::always("urgent"), None)
        .await
        .unwrap()
        .value;
    assert!(worst.snips.high < always.snips.low);
    let unknown = evaluate(&world.at(5), "headline", &Policy::always("playfull"), None).await;
    assert!(unknown.unwrap_err().to_string().contains("playful"));
}

#[tokio::test]
async fn each_context_has_its_own_weights() {
    let bandit =
        BANDIT.to_owned() + "algorithm: linear_thompson\ncontext: [{attribute: device, values: [mobile, desktop]}]\n";
    let mut world = World::new(&bandit).await;
    let rate = |arm: &str, device: &str| match (arm, device) {
        ("playful", "mobile") | ("urgent", "desktop") => 0.5,
        _ => 0.1,
    };
    world.day(0, 700, &rate).await;
    let weighing = update(&world.at(1), "headline", false).await.unwrap().weighing.unwrap();
    let cell = |value: &str| weighing.cells.iter().find(|c| c.context["device"] == value).unwrap();
    assert!(
        cell("mobile").weights[1] > 0.8 && cell("desktop").weights[2] > 0.8,
        "{weighing:?}"
    );
    // The flag serves each device its own.
    world.day(1, 500, &rate).await;
    let context = world.at(2);
    let live = flags::live(&context.ledger, context.now_us, None).await.unwrap();
    let share = |device: &str, arm: &str| {
        let served = (0..400).filter(|i| {
            let attributes = parse_json(&format!(r#"{{"id":"v{i}","device":"{device}"}}"#)).unwrap();
            live.answer("headline", &mut Subject::new(&attributes)).unwrap().variant == arm
        });
        served.count() as f64 / 400.0
    };
    assert!(share("mobile", "playful") > 0.75 && share("desktop", "urgent") > 0.75);
    assert!((share("tablet", "playful") - weighing.weights[1]).abs() < 0.1);
    let read = readout(&context, "headline", None).await.unwrap().value;
    assert!(!read.split.as_ref().unwrap().broken, "{:?}", read.split);
    // A policy that looks at the device earns what each device's best arm does.
    let policy: Policy = serde_json::from_value(serde_json::json!({
        "weights": { "plain": 1 },
        "cells": [{ "context": { "device": "mobile" }, "weights": { "playful": 1 } },
                  { "context": { "device": "desktop" }, "weights": { "urgent": 1 } }],
    }))
    .unwrap();
    let value = evaluate(&context, "headline", &policy, None).await.unwrap().value;
    let dr = value.dr.unwrap();
    assert!((dr.point - 0.5).abs() < 4.0 * dr.se, "{dr:?}");
    assert!(dr.low > value.logged.point);
}

#[tokio::test]
async fn what_cannot_be_believed_sets_no_weights() {
    let mut world = World::new(BANDIT).await;
    let early = update(&world.at(1), "headline", false).await.unwrap();
    assert!(early.updated && early.because.contains("burn-in"), "{early:?}");
    world.day(1, 200, &truth).await;
    // Somebody else assigns most units to one arm.
    for unit in 0..300 {
        let at = time(START + DAY + 7200 * SECOND + unit * SECOND);
        let _ = writeln!(world.rows, "x{unit},urgent,mobile,0,,{at}");
    }
    let _ = writeln!(
        world.rows,
        "y1,shouting,mobile,1,,{}",
        time(START + DAY + 7300 * SECOND)
    );
    world.day(1, 1, &truth).await;
    let found = update(&world.at(3), "headline", false).await.unwrap();
    assert!(!found.updated, "{found:?}");
    let read = found.readout.unwrap();
    assert_eq!(read.recommendation.state, State::Broken);
    assert_eq!(read.missing.unknown_arms, 1);
    assert!(found.because.contains("do not follow"), "{}", found.because);
    // Rewards that are not zeros and ones are no Bernoulli's.
    let _ = writeln!(world.rows, "z1,plain,mobile,7,,{}", time(START + DAY + 7400 * SECOND));
    world.day(1, 1, &truth).await;
    let refused = readout(&world.at(3), "headline", None).await.unwrap_err();
    assert!(refused.to_string().contains("gaussian"), "{refused}");
    // Other arms under the same name: the weights that were set before say nothing of them.
    let mut other = project(BANDIT);
    other.bandits.get_mut("headline").unwrap().arms[2] = "loud".into();
    let context = Context {
        project: Arc::new(other),
        ..world.at(3)
    };
    let refused = readout(&context, "headline", None).await.unwrap_err();
    assert!(refused.to_string().contains("other arms"), "{refused}");
}

#[tokio::test]
async fn a_delay_and_gaussian_rewards() {
    let bandit = BANDIT
        .replace("kind: bernoulli", "kind: gaussian, better: lower")
        .replace("reward: reward,", "reward: 'reward * 10',")
        .replace("every: 1 day", "every: 1 day, delay: 1 day")
        + "stop: {rule: likelihood_ratio, delta: 0.1}\n";
    let mut world = World::new(&bandit).await;
    world.day(0, 300, &truth).await;
    world.day(1, 300, &truth).await;
    // Plays of the last day are not complete.
    let read = readout(&world.at(2), "headline", None).await.unwrap().value;
    assert_eq!(read.plays, 300);
    assert!(
        read.arms
            .iter()
            .all(|a| a.mean.is_some_and(|m| (0.0..=10.0).contains(&m)))
    );
    // Less is better: the worst converting arm leads.
    assert_eq!(read.recommendation.arm.as_deref(), Some("urgent"));
    assert_eq!(read.recommendation.state, State::KeepRunning);
}
