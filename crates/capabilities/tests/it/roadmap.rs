//! What to do next: yardsticks, the best set, redraws, dates.

use steward_capabilities::CapabilityError;
use steward_capabilities::roadmap::*;
use steward_definitions::*;

use crate::shop::*;

/// Initiatives `a`, `b`, `c` with bets on revenue, a debt and a spike on `c`; one skill and a budget.
fn portfolio() -> Project {
    let mut p = project();
    p.settings.currency = Some("EUR".into());
    p.settings.portfolio.capacity = [("ml".to_string(), 10.0)].into();
    p.settings.portfolio.budget_minor = Some(1_000_000);
    p.settings.portfolio.horizon_weeks = 52.0;
    p.settings.portfolio.throughput = Some(WorkRecord {
        dataset: "work".into(),
        initiative: "initiative".into(),
        done: "done".into(),
    });
    p.settings.portfolio.scenarios = [(
        "rich".to_string(),
        Scenario {
            capacity: [("ml".to_string(), 40.0)].into(),
            exclude: vec!["b".into()],
            ..Scenario::default()
        },
    )]
    .into();
    let d = dataset("work", &[("initiative", "string"), ("done", "date")]);
    p.datasets.insert("work".into(), d);
    for (name, probability, weeks, items, due) in [
        ("a", 0.5, 6.0, 10.0, "2025-06-30"),
        ("b", 0.4, 5.0, 20.0, "2025-05-31"),
        ("c", 0.3, 4.0, 5.0, "2025-08-31"),
    ] {
        let initiative = Initiative {
            meta: meta(name, ""),
            effort_weeks: Some([weeks; 3]),
            skills: [("ml".to_string(), [weeks; 3])].into(),
            items: Some([items; 3]),
            due: Some(due.into()),
            rice: Some(Rice {
                reach: 1000.0,
                impact: 1.0,
                confidence: 1.0,
            }),
            wsjf: Some(Wsjf {
                value: weeks,
                urgency: weeks,
                risk: 0.0,
            }),
            delay_cost_minor: Some(1_000),
            ..Initiative::default()
        };
        p.initiatives.insert(name.into(), initiative);
        let bet = Bet {
            meta: meta(name, ""),
            initiative: name.into(),
            metric: "revenue".into(),
            probability,
            effect: [0.1, 0.1, 0.1],
            cost_minor: Some([1_000, 3_000]),
            value: Some(UnitValue {
                per_unit_minor: 1,
                margin: 1.0,
                signed_by: Some("mara".into()),
                version: 1,
                ..UnitValue::default()
            }),
            ..Bet::default()
        };
        p.bets.insert(name.into(), bet);
    }
    let debt = Initiative {
        meta: meta("debt", ""),
        work: Work::Debt,
        interest: Some(Interest {
            toil_hours: 10.0,
            hour_minor: 7_000,
            ..Interest::default()
        }),
        ..Initiative::default()
    };
    p.initiatives.insert("debt".into(), debt);
    let spike = Initiative {
        meta: meta("spike", ""),
        work: Work::Spike,
        informs: Some("c".into()),
        kill_by: Some("2025-04-30".into()),
        ..Initiative::default()
    };
    p.initiatives.insert("spike".into(), spike);
    let vague = Initiative {
        meta: meta("vague", ""),
        ..Initiative::default()
    };
    p.initiatives.insert("vague".into(), vague);
    p
}

/// One item on each weekday of twenty weeks before "now", 2025-04-01.
async fn open(project: Project) -> Ground {
    let folder = tempfile::tempdir().unwrap();
    Shop::new(500).write(folder.path());
    let mut rows = String::from("initiative,done\n");
    let monday: jiff::civil::Date = "2024-11-11".parse().unwrap();
    for week in 0..20_i64 {
        for day in 0..5_i64 {
            let on = monday.saturating_add(jiff::Span::new().days(7 * week + day));
            if on < "2025-04-01".parse().unwrap() {
                rows.push_str(&format!("a,{on}\n"));
            }
        }
    }
    rows.push_str("a,\n");
    std::fs::write(folder.path().join("data/work.csv"), rows).unwrap();
    Ground::over(folder, project).await
}

#[tokio::test]
async fn the_best_set_under_a_capacity_and_what_more_would_bring() {
    let ground = open(portfolio()).await;
    let asked = OptimiseOptions {
        redraws: 50,
        frontier: true,
        ..OptimiseOptions::default()
    };
    let found = optimise(&ground.context, &asked).await.unwrap();
    // Ten weeks: a (6) and c (4) are worth 0.5 + 0.3, b (5) and c (4) 0.4 + 0.3; a and b do not fit.
    let chosen: Vec<&str> = found
        .items
        .iter()
        .filter(|i| i.chosen)
        .map(|i| i.initiative.as_str())
        .collect();
    assert!(
        chosen.contains(&"a") && chosen.contains(&"c") && !chosen.contains(&"b"),
        "{chosen:?}"
    );
    assert!(
        found
            .left_out
            .iter()
            .any(|(n, why)| n == "vague" && why.contains("no bet")),
        "{:?}",
        found.left_out
    );
    let ml = &found.skills[0];
    assert_eq!((ml.used, ml.capacity, ml.wanted), (10.0, 10.0, 15.0));
    // The relaxation takes a part of b: a week more is worth a fifth of it.
    let net = |n: &str| found.items.iter().find(|i| i.initiative == n).unwrap().net;
    assert!(
        (ml.price / (net("b") / 5.0) - 1.0).abs() < 0.2,
        "{} {}",
        ml.price,
        net("b")
    );
    let sum: f64 = found.items.iter().filter(|i| i.chosen).map(|i| i.net).sum();
    assert!((found.value - sum).abs() < 1e-6 && found.bound >= found.value - 1e-6);
    assert!(
        found
            .items
            .iter()
            .all(|i| i.funded.is_some_and(|f| (0.0..=1.0).contains(&f)))
    );
    assert!(
        found.frontier.windows(2).all(|f| f[1].value >= f[0].value * 0.98 - 1.0),
        "{:?}",
        found.frontier
    );
    assert!(!found.corrected && found.summary.contains("as stated"));
    // Ten hours of toil a month at 70, for a year: twelve months' worth.
    assert!(
        (net("debt") / (52.0 * 7.0 / 365.0 * 12.0 * 70_000.0) - 1.0).abs() < 1e-9,
        "{}",
        net("debt")
    );

    let rich = scenarios(&ground.context, 0).await.unwrap();
    assert_eq!(rich[1].scenario.as_deref(), Some("rich"));
    assert!(
        rich[1]
            .items
            .iter()
            .all(|i| i.chosen == (i.initiative != "b") || i.net <= 0.0),
        "{:?}",
        rich[1].items
    );
    let unknown = OptimiseOptions {
        scenario: Some("ritch".into()),
        ..OptimiseOptions::default()
    };
    assert!(
        matches!(optimise(&ground.context, &unknown).await, Err(CapabilityError::Unknown { near: Some(n), .. }) if n == "rich")
    );

    let ranked = priorities(&ground.context).await.unwrap();
    let a = ranked.iter().find(|p| p.initiative == "a").unwrap();
    assert_eq!(
        (a.rice, a.wsjf, a.delay_per_week),
        (Some(1000.0 / 6.0), Some(2.0), Some(1_000.0 / 6.0))
    );
    assert_eq!((a.places["rice"], a.places["net value"]), (3, 1));
    assert_eq!((a.stated, a.corrected), (Some(0.5), Some(0.5)));
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_by_name() {
    let said = |found: Result<Portfolio, CapabilityError>| found.unwrap_err().to_string();
    let mut negative = portfolio();
    negative.settings.portfolio.capacity.insert("ml".into(), -1.0);
    let ground = open(portfolio()).await;
    let asked = OptimiseOptions::default();
    let text = said(optimise(&ground.with(negative), &asked).await);
    assert!(text.contains("capacity of ml is -1"), "{text}");
    let mut circle = portfolio();
    circle.initiatives.get_mut("a").unwrap().depends_on = vec!["b".into()];
    circle.initiatives.get_mut("b").unwrap().depends_on = vec!["a".into()];
    let circle = ground.with(circle);
    let text = said(optimise(&circle, &asked).await);
    assert!(text.contains("needs itself"), "{text}");
    let text = forecast(&circle, &[]).await.unwrap_err().to_string();
    assert!(
        text.contains("a, b wait for each other") || text.contains("b, a wait for each other"),
        "{text}"
    );
    let mut much = portfolio();
    much.settings
        .portfolio
        .scenarios
        .get_mut("rich")
        .unwrap()
        .capacity
        .insert("ml".into(), 1.0);
    much.settings.portfolio.scenarios.get_mut("rich").unwrap().require = vec!["a".into()];
    let must = OptimiseOptions {
        scenario: Some("rich".into()),
        ..asked
    };
    let text = said(optimise(&ground.with(much), &must).await);
    assert!(text.contains("does not fit"), "{text}");
}

#[tokio::test]
async fn dates_follow_from_throughput_and_dropping_one_brings_the_rest_forward() {
    let ground = open(portfolio()).await;
    let found = forecast(&ground.context, &[]).await.unwrap();
    // By due date: b (20 items), a (10), c (5), at five a week from Tuesday 1 April on. Weeks are drawn whole: b takes
    // four weeks to a Friday, which is 26 days.
    let order: Vec<&str> = found.initiatives.iter().map(|i| i.initiative.as_str()).collect();
    assert_eq!(order, ["b", "a", "c"]);
    assert_eq!((found.throughput, found.weeks), (5.0, 20));
    assert_eq!(found.initiatives[0].half, "2025-04-26");
    assert_eq!(found.initiatives[0].likely, "2025-04-26", "a steady team has one date");
    assert_eq!(found.initiatives[0].by_due, Some(1.0));
    assert!(found.undated.contains(&"debt".to_string()));
    let b = found.drops.iter().find(|d| d.initiatives == ["b"]).unwrap();
    assert_eq!(b.days, 28.0, "four weeks");
    assert!(b.value.unwrap() > 0.0);
    let without = forecast(&ground.context, &["b".into()]).await.unwrap();
    assert_eq!(without.initiatives.len(), 2);
    assert!(without.initiatives[0].half < found.initiatives[1].half);
    assert!(matches!(
        forecast(&ground.context, &["bb".into()]).await,
        Err(CapabilityError::Unknown { .. })
    ));

    let mut waits = portfolio();
    waits.initiatives.get_mut("b").unwrap().depends_on = vec!["c".into()];
    let found = forecast(&ground.with(waits), &[]).await.unwrap();
    let order: Vec<&str> = found.initiatives.iter().map(|i| i.initiative.as_str()).collect();
    assert_eq!(order, ["a", "c", "b"], "b waits for c");
    let c = found.drops.iter().find(|d| d.initiatives[0] == "c").unwrap();
    assert_eq!(c.initiatives, ["c", "b"], "what waits for it goes with it");
}
