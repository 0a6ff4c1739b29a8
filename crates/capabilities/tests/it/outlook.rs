//! Midway: how likely an experiment yet shows its effect, and what the rule makes of it.

use steward_capabilities::Context;
use steward_capabilities::experiments::{self, MetricReadout, Readout, ReadoutOptions, Recommendation};
use steward_definitions::*;
use steward_stats::dist::normal_isf;
use steward_stats::group_sequential::{Design, Sides, Spending as Spent, boundaries};
use steward_stats::outlook::outlook;

use crate::shop::*;

async fn on(ground: &Ground, day: i64, change: impl FnOnce(&mut Experiment)) -> Readout {
    let mut p = project();
    edit(&mut p, change);
    let context = Context {
        now_us: START + day * DAY,
        ..ground.with(p)
    };
    let options = ReadoutOptions {
        as_of: Some(START + day * DAY),
        ..ReadoutOptions::default()
    };
    experiments::readout(&context, "checkout", &options).await.unwrap()
}

fn of<'a>(readout: &'a Readout, metric: &str) -> &'a MetricReadout {
    readout.metrics.iter().find(|m| m.metric == metric).unwrap()
}

#[tokio::test]
async fn a_fixed_horizon_says_how_it_will_end() {
    let ground = Ground::open(&Shop::new(1500), project()).await;
    let running = on(&ground, 10, |e| e.decide.minimum_effect = Some(0.5)).await;
    let m = of(&running, "revenue");
    let said = m.inference.outlook.as_ref().unwrap();
    // The windows of seven of fourteen days have closed; two primary metrics share the level.
    assert_eq!((said.information_fraction, said.planned_effect), (0.5, Some(0.5)));
    let (e, control) = (m.absolute.estimate().unwrap(), m.control_value.estimate().unwrap());
    let by_hand = outlook(
        (e.point, e.se),
        0.5,
        &[(1.0, normal_isf(0.0125))],
        Some(0.5 * control.point),
    )
    .unwrap();
    assert_eq!(said.at_planned_effect, by_hand.planned);
    assert_eq!(said.at_trend, Some(by_hand.trend));
    assert_eq!(
        (said.without_effect, said.predictive),
        (Some(by_hand.null), Some(by_hand.predictive))
    );
    assert_eq!(
        running.decision.recommendation,
        Recommendation::KeepRunning,
        "{said:?} {}",
        running.decision.explanation
    );
    let why = &running.decision.explanation;
    assert!(
        why.contains("planned end") && why.contains("if the 50.0% planned for are there"),
        "{why}"
    );
    // Secondary metrics and ended experiments have none.
    assert!(of(&running, "order_value").inference.outlook.is_none());
    let ended = on(&ground, 30, |_| {}).await;
    assert!(of(&ended, "revenue").inference.outlook.is_none());
    // Without a planned effect, what is not conditional on it remains.
    let open = on(&ground, 10, |_| {}).await;
    let open = of(&open, "revenue").inference.outlook.as_ref().unwrap();
    assert_eq!((open.at_planned_effect, open.at_trend), (None, Some(by_hand.trend)));
}

#[tokio::test]
async fn looks_to_come_are_counted_with_their_boundaries() {
    let ground = Ground::open(&Shop::new(1500), project()).await;
    let looking = |e: &mut Experiment| {
        e.primary = vec!["buyers".into()];
        e.decide.minimum_effect = Some(0.1);
        e.inference.method = InferenceMethod::GroupSequential {
            spending: Spending::ObrienFleming,
            looks: Looks::Fractions(vec![0.5, 0.75, 1.0]),
        };
    };
    let readout = on(&ground, 8, looking).await;
    let m = of(&readout, "buyers");
    let said = m.inference.outlook.as_ref().unwrap();
    let (t, looks) = (said.information_fraction, &m.inference.looks);
    assert!((t - 8.0 / 14.0).abs() < 1e-9 && looks[0].reached && !looks[1].reached);
    let design = Design {
        fractions: looks.iter().map(|l| l.information_fraction).collect(),
        alpha: 0.05,
        spending: Spent::ObrienFleming,
        sides: Sides::Two,
        last_is_final: false,
    };
    let bounds = boundaries(&design).unwrap();
    let to_come: Vec<(f64, f64)> = bounds[1..].iter().map(|l| (l.fraction, l.z)).collect();
    let e = m.inference.nominal.as_ref().unwrap().absolute.estimate().unwrap();
    let planned = 0.1 * m.control_value.estimate().unwrap().point;
    let by_hand = outlook((e.point, e.se), t, &to_come, Some(planned)).unwrap();
    assert_eq!(said.at_planned_effect, by_hand.planned);
    assert_eq!(said.predictive, Some(by_hand.predictive));
    // Always-valid methods decide when they decide: there is no end to look ahead to.
    let always = on(&ground, 8, |e| {
        e.inference.method = InferenceMethod::AlwaysValid { tuned_for: None }
    })
    .await;
    assert!(of(&always, "revenue").inference.outlook.is_none());
}

#[tokio::test]
async fn what_will_hardly_be_shown_may_be_given_up_and_what_nearly_is_extended() {
    let ground = Ground::open(&Shop::new(1500), project()).await;
    // Visits do not change; half a per cent would never show.
    let hopeless = |e: &mut Experiment| {
        e.primary = vec!["sessions".into()];
        e.guardrails.clear();
        e.decide.minimum_effect = Some(0.005);
    };
    let futile = on(&ground, 10, hopeless).await;
    let chance = of(&futile, "sessions")
        .inference
        .outlook
        .as_ref()
        .unwrap()
        .at_planned_effect;
    assert!(chance.unwrap() < 0.1, "{chance:?}");
    assert_eq!(futile.decision.recommendation, Recommendation::DoNotShip);
    let why = &futile.decision.explanation;
    assert!(
        why.contains("0.50% planned for") && why.contains("cannot make a false winner"),
        "{why}"
    );
    // What is there shows by the planned end or not, and with twice the units surely.
    let mut extended = 0;
    for users in [300, 360, 420] {
        let small = Ground::open(&Shop::new(users), project()).await;
        for day in 10..14 {
            let found = on(&small, day, |e| e.primary = vec!["revenue".into()]).await;
            let o = of(&found, "revenue").inference.outlook.clone().unwrap();
            let Some(times) = o.times_for_power.filter(|_| (0.5..0.8).contains(&o.at_trend.unwrap())) else {
                assert_ne!(found.decision.recommendation, Recommendation::Extend);
                continue;
            };
            let why = &found.decision.explanation;
            assert_eq!(found.decision.recommendation, Recommendation::Extend, "{why}");
            assert!(
                times > 1.0 && times <= 2.0 && why.contains("does not raise the error"),
                "{why}"
            );
            extended += 1;
            // Not beyond the longest time allowed.
            let limited = on(&small, day, |e| {
                e.primary = vec!["revenue".into()];
                e.decide.longest_seconds = Some(14 * 86_400);
            });
            assert_eq!(limited.await.decision.recommendation, Recommendation::KeepRunning);
        }
    }
    assert!(extended > 0, "no day was between");
}
