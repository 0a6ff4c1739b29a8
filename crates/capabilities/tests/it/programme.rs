//! All experiments together: the library, and what was shipped, naive beside shrunk.

use steward_capabilities::experiments::Outcome;
use steward_capabilities::governance::{self, Choice, NewDecision};
use steward_capabilities::programme::{LibraryFilter, learn, library};
use steward_definitions::*;
use steward_stats::meta::{Between, combine};
use steward_stats::shrinkage::{Prior, shrink};

use crate::shop::*;

/// The shop with experiments on its users by country and by day.
fn with_more() -> Project {
    let mut p = project();
    for (name, end) in [("first_week", "2025-03-08"), ("first_days", "2025-03-05")] {
        let mut e = p.experiments["checkout"].clone();
        e.meta = meta(name, "experiment");
        e.meta.tags = vec!["early".into()];
        e.end = Some(end.into());
        p.experiments.insert(name.into(), e);
    }
    p
}

#[tokio::test]
async fn the_library_is_searched_and_what_was_shipped_is_summed_after_shrinkage() {
    let ground = Ground::open(&Shop::new(3000), with_more()).await;
    let context = &ground.context;
    let all = library(context, &LibraryFilter::default()).await.unwrap();
    let names: Vec<&str> = all.iter().map(|e| e.experiment.as_str()).collect();
    assert_eq!(names, ["checkout", "first_days", "first_week"]);
    let found = library(
        context,
        &LibraryFilter {
            search: Some("EARLY week".into()),
            metric: Some("revenue".into()),
            ..LibraryFilter::default()
        },
    )
    .await
    .unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].experiment, "first_week");
    assert!(found[0].detectable_relative.is_some() && found[0].decided.is_none());

    let before = learn(context).await.unwrap();
    let decision = NewDecision {
        subject: "checkout".into(),
        choice: Choice::Ship,
        variant: None,
        reason: "revenue is up".into(),
        actor: "jonas".into(),
        evidence: vec![],
        waiver: None,
    };
    governance::decide(context, &decision).await.unwrap();
    let after = learn(context).await.unwrap();
    assert!(
        !after.reused && before.evidence.id != after.evidence.id,
        "a decision changes what is counted"
    );
    assert!(learn(context).await.unwrap().reused);

    let programme = after.value;
    assert_eq!(programme.ended, 3);
    let wins = all.iter().filter(|e| e.outcome == Some(Outcome::Better)).count();
    assert!((programme.win_rate.estimate().unwrap().point - wins as f64 / 3.0).abs() < 1e-12);
    let revenue = programme.metrics.iter().find(|m| m.metric == "revenue").unwrap();
    assert_eq!(revenue.counted, "shipped");
    let (points, errors): (Vec<f64>, Vec<f64>) = revenue.effects.iter().map(|e| (e.point, e.se)).unzip();
    let shrunk = shrink(&points, &errors, Prior::DuMouchel, 0.95).unwrap();
    let at = revenue.effects.iter().position(|e| e.experiment == "checkout").unwrap();
    assert!(
        revenue
            .effects
            .iter()
            .all(|e| e.counted == (e.experiment == "checkout"))
    );
    assert!((revenue.naive.unwrap() - points[at]).abs() < 1e-12);
    assert!((revenue.cumulative.as_ref().unwrap().point - shrunk.effects[at].point).abs() < 1e-9);
    let mean = combine(&points, &errors, Between::PauleMandel, true, 0.95).unwrap();
    assert_eq!(revenue.mean.as_ref().unwrap().effect.point, mean.effect.point);
}

#[tokio::test]
async fn a_holdout_is_beside_the_sum_and_a_broken_split_is_left_out() {
    let mut shop = Shop::new(3000);
    shop.users.retain(|u| u.variant == "control" || u.id % 4 != 0);
    let kept: std::collections::BTreeSet<u64> = shop.users.iter().map(|u| u.id).collect();
    shop.again.retain(|(u, ..)| kept.contains(u));
    let mut p = with_more();
    let tags = vec!["holdout".to_string()];
    p.experiments.get_mut("first_days").unwrap().meta.tags = tags;
    let ground = Ground::open(&shop, p).await;
    let programme = learn(&ground.context).await.unwrap().value;
    assert!(programme.broken_splits.estimate().unwrap().point > 0.0);
    for metric in &programme.metrics {
        for left in &metric.left_out {
            assert!(left.why.contains("not to be trusted"), "{left:?}");
        }
        assert!(metric.effects.iter().all(|e| e.experiment != "first_days"));
    }
}
