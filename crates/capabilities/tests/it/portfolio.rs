//! Objectives: progress, trend and probability to hit are computed from the metric's rows.

use steward_capabilities::portfolio::*;
use steward_definitions::*;

use crate::shop::*;

/// Weekly totals of `amount`, one row a day, weeks from Monday 2025-01-06 on; the first thirteen lie before the objective.
fn weekly(week: i64) -> f64 {
    // A trend of ten a week from 1000 on, and a wobble that no line explains.
    1000.0 + 10.0 * week as f64 + 15.0 * (uniform(30, week as u64) - 0.5)
}

/// 2025-01-06T00:00:00Z, a Monday.
const MONDAY: i64 = 1_736_121_600 * SECOND;

fn days(weeks: i64) -> String {
    let mut text = String::from("day,amount\n");
    for day in 0..7 * weeks {
        let at = MONDAY + day * DAY;
        text.push_str(&format!("{},{}\n", &time(at)[..10], weekly(day / 7) / 7.0));
    }
    text
}

fn key_result(name: &str, target: f64, baseline: Option<f64>) -> KeyResult {
    KeyResult {
        name: name.into(),
        metric: "amount".into(),
        grain: "week".into(),
        target,
        baseline,
        ..KeyResult::default()
    }
}

/// An objective over the thirteen weeks from 2025-04-07 on; data up to "now".
async fn open(weeks: i64, results: Vec<KeyResult>) -> Ground {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("data")).unwrap();
    std::fs::write(folder.path().join("data/daily.csv"), days(weeks)).unwrap();
    let mut p = Project::default();
    p.settings.time_zone = "UTC".into();
    let d = dataset("daily", &[("day", "date"), ("amount", "number")]);
    p.datasets.insert("daily".into(), d);
    let m = model(
        "daily",
        Some("day"),
        vec![],
        vec![dimension("day", Some("day"))],
        vec![measure("amount", Aggregation::Sum, "amount")],
    );
    p.semantic_models.insert("daily".into(), m);
    p.metrics.insert("amount".into(), simple("amount", "amount"));
    let objective = Objective {
        meta: meta("growth", &format!("{results:?}")),
        start: "2025-04-07".into(),
        end: "2025-07-06".into(),
        key_results: results,
        ..Objective::default()
    };
    p.objectives.insert("growth".into(), objective);
    let initiative = Initiative {
        meta: meta("push", ""),
        objectives: vec!["growth".into()],
        ..Initiative::default()
    };
    p.initiatives.insert("push".into(), initiative);
    let bet = Bet {
        meta: meta("more", ""),
        initiative: "push".into(),
        metric: "amount".into(),
        resolve_by: Some("2025-05-01".into()),
        ..Bet::default()
    };
    p.bets.insert("more".into(), bet);
    let mut ground = Ground::over(folder, p).await;
    ground.context.now_us = MONDAY + weeks * 7 * DAY;
    ground
}

#[tokio::test]
async fn the_trend_decides_while_the_objective_runs() {
    // Six of thirteen weeks are over; the last week is number 25, where the trend says 1250.
    let results = vec![
        key_result("easy", 1150.0, None),
        key_result("hard", 1600.0, None),
        key_result("given", 1150.0, Some(1000.0)),
        key_result("down", 900.0, None),
    ];
    let ground = open(19, results).await;
    let status = objective_status(&ground.context, "growth", None).await.unwrap();
    let of = |name: &str| status.key_results.iter().find(|k| k.name == name).unwrap();
    let (easy, hard, given, down) = (of("easy"), of("hard"), of("given"), of("down"));
    assert_eq!(easy.state, KeyResultState::OnTrack, "{}", easy.verdict);
    assert!(easy.probability.unwrap() > 0.95);
    assert_eq!(hard.state, KeyResultState::OffTrack, "{}", hard.verdict);
    assert!(hard.probability.unwrap() < 0.05);
    assert_eq!(down.state, KeyResultState::OffTrack, "{}", down.verdict);

    let baseline: f64 = (0..13).map(weekly).sum::<f64>() / 13.0;
    assert!((easy.baseline.unwrap() - baseline).abs() < 1e-6);
    assert!(!easy.baseline_given && given.baseline_given);
    assert!((easy.current.unwrap() - weekly(18)).abs() < 1e-6);
    let progress = (weekly(18) - 1000.0) / 150.0;
    assert!((given.progress.unwrap() - progress).abs() < 1e-6);
    let forecast = easy.forecast.as_ref().unwrap();
    assert!(forecast.low < 1250.0 && 1250.0 < forecast.high, "{forecast:?}");
    assert_eq!(easy.series.len(), 19);
    assert_eq!(easy.series.iter().filter(|p| p.before).count(), 13);
    assert_eq!(easy.series[13].start, "2025-04-07");

    assert_eq!(status.state, KeyResultState::OffTrack);
    assert!((status.elapsed - 6.0 / 13.0).abs() < 1e-9);
    assert_eq!(status.initiatives, ["push"]);

    // The same moment again computes nothing and says the same.
    let (again, reused) = conclude(&ground.context, "growth", None).await.unwrap();
    assert!(reused);
    assert_eq!(
        serde_json::to_string(&again).unwrap(),
        serde_json::to_string(&status).unwrap()
    );
}

#[tokio::test]
async fn the_last_period_decides_when_it_is_over() {
    let ground = open(
        26,
        vec![key_result("low", 1200.0, None), key_result("high", 1300.0, None)],
    )
    .await;
    let status = objective_status(&ground.context, "growth", None).await.unwrap();
    assert_eq!(status.key_results[0].state, KeyResultState::Hit);
    assert_eq!(status.key_results[1].state, KeyResultState::Missed);
    assert_eq!((status.state, status.elapsed), (KeyResultState::Missed, 1.0));
    // As of an earlier moment it was still open.
    let then = objective_status(&ground.context, "growth", Some(MONDAY + 19 * 7 * DAY))
        .await
        .unwrap();
    assert_eq!(
        then.key_results[0].state,
        KeyResultState::OnTrack,
        "{}",
        then.key_results[0].verdict
    );
    assert_eq!(then.key_results[0].series.len(), 19);
}

#[tokio::test]
async fn what_cannot_be_told_says_why() {
    let mut monthly = key_result("monthly", 1.0, None);
    monthly.grain = "fortnight".into();
    let mut unknown = key_result("unknown", 1.0, None);
    unknown.metric = "missing".into();
    let ground = open(19, vec![monthly, unknown, key_result("fine", 1150.0, None)]).await;
    let status = objective_status(&ground.context, "growth", None).await.unwrap();
    assert!(status.key_results[0].problem.as_ref().unwrap().contains("fortnight"));
    assert!(status.key_results[1].problem.as_ref().unwrap().contains("missing"));
    assert_eq!(status.key_results[2].state, KeyResultState::OnTrack);
    assert_eq!(status.state, KeyResultState::NotEstimable);
    let unknown = objective_status(&ground.context, "growht", None).await.unwrap_err();
    assert!(unknown.to_string().contains("growth"));
}

#[tokio::test]
async fn initiatives_and_bets_show_their_links() {
    let ground = open(19, vec![]).await;
    let initiatives = initiatives(&ground.context);
    assert_eq!(
        (initiatives[0].name.as_str(), initiatives[0].bets.as_slice()),
        ("push", ["more".to_string()].as_slice())
    );
    let bets = bets(&ground.context);
    assert!(bets[0].overdue);
    assert!(bets[0].links.iter().any(|l| l.to_string() == "objective/growth"));
}
