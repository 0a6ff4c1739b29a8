//! Bets from approval to resolution, what they earned, and what stated probabilities have meant.

use steward_capabilities::CapabilityError;
use steward_capabilities::governance::{self, Choice, NewDecision};
use steward_capabilities::value::*;
use steward_definitions::*;
use steward_stats::recalibration::recalibrate;

use crate::shop::*;

/// A bet on revenue; a change of `text` changes its digest.
fn bet(text: &str) -> Bet {
    Bet {
        meta: meta("more", text),
        initiative: "push".into(),
        metric: "revenue".into(),
        probability: 0.7,
        effect: [0.05, 0.1, 0.3],
        cost_minor: Some([1_000, 2_000]),
        kill_criterion: Some("no lift".into()),
        resolve_by: Some("2025-05-01".into()),
        experiment: Some("checkout".into()),
        value: Some(UnitValue {
            per_unit_minor: 1,
            margin: 0.5,
            signed_by: Some("theo".into()),
            version: 1,
            ..UnitValue::default()
        }),
        ..Bet::default()
    }
}

/// The shop with experiments to learn from, an initiative and a bet, and two people.
fn with_bet(bet: Bet) -> Project {
    let mut p = project();
    for (name, end) in [("first_week", "2025-03-08"), ("first_days", "2025-03-05")] {
        let mut e = p.experiments["checkout"].clone();
        e.meta = meta(name, "experiment");
        e.end = Some(end.into());
        p.experiments.insert(name.into(), e);
    }
    let people = ["mara", "theo", "lea"].map(|n| Person {
        name: n.into(),
        team: Some(if n == "mara" { "growth" } else { "ranking" }.into()),
        ..Person::default()
    });
    p.settings.people = people.into();
    p.settings.currency = Some("EUR".into());
    let initiative = Initiative {
        meta: meta("push", ""),
        problem: Some("Carts are left.".into()),
        decision: Some("Which checkout.".into()),
        ..Initiative::default()
    };
    p.initiatives.insert("push".into(), initiative);
    p.bets.insert("more".into(), bet);
    p
}

fn refused<T: std::fmt::Debug>(found: Result<T, CapabilityError>) -> String {
    match found {
        Err(CapabilityError::Refused(why) | CapabilityError::Invalid(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_bet_is_frozen_edited_and_resolved_by_what_was_frozen() {
    let mut first = bet("one");
    first.experiment = None;
    first.resolve = Some("SELECT sum(amount_cents) > 1000 FROM orders".into());
    let ground = Ground::open(&Shop::new(300), with_bet(first.clone())).await;
    let context = &ground.context;
    let owner = first.meta.owner.clone();

    assert!(refused(freeze(context, "more", "nobody", "sound").await).contains("rule `actor`"));
    assert!(refused(freeze(context, "more", &owner, "sound").await).contains("separation-of-duties"));
    assert!(refused(freeze(context, "more", "theo", " ").await).contains("rule `reason`"));
    assert!(refused(resolve(context, "more", "theo", None).await).contains("not frozen"));
    assert!(
        matches!(freeze(context, "mor", "theo", "x").await, Err(CapabilityError::Unknown { near: Some(n), .. }) if n == "more")
    );
    let mut bare = first.clone();
    bare.cost_minor = None;
    bare.resolve = None;
    let lacking = refused(freeze(&ground.with(with_bet(bare)), "more", "theo", "sound").await);
    assert!(
        lacking.contains("`cost`") && lacking.contains("`experiment` or `resolve`"),
        "{lacking}"
    );
    for (p, effect, says) in [
        (1.0, [0.0, 0.1, 0.2], "probability 1"),
        (0.5, [0.3, 0.1, 0.2], "do not ascend"),
    ] {
        let mut wrong = first.clone();
        (wrong.probability, wrong.effect) = (p, effect);
        let said = refused(freeze(&ground.with(with_bet(wrong)), "more", "theo", "sound").await);
        assert!(said.contains(says), "{said}");
    }

    let frozen = freeze(context, "more", "theo", "the case is sound").await.unwrap();
    assert!(frozen.changed && frozen.version.version == 1 && frozen.version.digest == first.meta.digest);
    assert!(!freeze(context, "more", "theo", "again").await.unwrap().changed);

    // The edit asks an easier question and promises more; it becomes a version of its own.
    let mut second = first.clone();
    second.meta = meta("more", "two");
    second.probability = 0.95;
    second.resolve = Some("SELECT false".into());
    let edited = ground.with(with_bet(second));
    let case = steward_capabilities::value::bet(&edited, "more").await.unwrap();
    assert!(case.edited && case.state == BetState::Open);
    assert_eq!(
        freeze(&edited, "more", "theo", "new promise")
            .await
            .unwrap()
            .version
            .version,
        2
    );

    let resolved = resolve(&edited, "more", "lea", None).await.unwrap();
    assert!(resolved.open.is_empty());
    let outcomes: Vec<bool> = resolved
        .versions
        .iter()
        .map(|v| v.resolution.as_ref().unwrap().succeeded)
        .collect();
    assert_eq!(outcomes, [true, false], "each by its own frozen query");
    let briers: Vec<f64> = resolved.versions.iter().filter_map(FrozenBet::brier).collect();
    assert!((briers[0] - 0.09).abs() < 1e-12 && (briers[1] - 0.9025).abs() < 1e-12);
    let evidence = resolved.versions[0]
        .resolution
        .as_ref()
        .unwrap()
        .evidence
        .clone()
        .unwrap();
    let why = governance::why(&edited, &evidence).await.unwrap();
    assert!(why.sql[0].to_lowercase().contains("amount_cents"), "{:?}", why.sql);
    let before = edited.ledger.count().await.unwrap();
    resolve(&edited, "more", "lea", None).await.unwrap();
    assert_eq!(
        edited.ledger.count().await.unwrap(),
        before,
        "what is resolved stays as it is"
    );
    assert_eq!(edited.ledger.verify(None).await.unwrap().events, before);

    // A bet whose definition is gone is still there, with its promise.
    let mut gone = with_bet(bet("three"));
    gone.bets.clear();
    let all = bets(&ground.with(gone)).await.unwrap();
    assert!(all[0].defined.is_none() && all[0].state == BetState::Succeeded && all[0].edited);
}

#[tokio::test]
async fn what_cannot_be_told_stays_open_and_what_is_abandoned_failed() {
    let mut open = bet("open");
    open.experiment = None;
    open.resolve = Some("SELECT CAST(NULL AS BOOLEAN)".into());
    open.resolve_by = Some("2025-03-01".into());
    let ground = Ground::open(&Shop::new(300), with_bet(open.clone())).await;
    let context = &ground.context;
    freeze(context, "more", "theo", "sound").await.unwrap();
    let found = resolve(context, "more", "lea", None).await.unwrap();
    assert!(
        found.open[0].1.contains("not yet") && found.open[0].1.contains("2025-03-01"),
        "{found:?}"
    );
    assert_eq!(
        steward_capabilities::value::bet(context, "more").await.unwrap().state,
        BetState::Overdue
    );
    let told = calibration(context, None).await.unwrap();
    assert_eq!((told.resolved, told.unresolved), (0, 1));
    assert!(refused(resolve(context, "more", "lea", Some("")).await).contains("reason"));
    let given_up = resolve(context, "more", "lea", Some("the supplier left"))
        .await
        .unwrap();
    let r = given_up.versions[0].resolution.as_ref().unwrap();
    assert!(!r.succeeded && r.by == "abandoned" && r.detail.as_deref() == Some("the supplier left"));

    // A query that does not answer yes or no is refused, with what it answered.
    let mut wrong = bet("wrong");
    wrong.meta = meta("other", "wrong");
    wrong.resolve = Some("SELECT 1 AS a, 2 AS b".into());
    let mut p = with_bet(open);
    p.bets.insert("other".into(), wrong);
    let context = ground.with(p);
    freeze(&context, "other", "theo", "sound").await.unwrap();
    assert!(refused(resolve(&context, "other", "lea", None).await).contains("1 row(s) of 2 column(s)"));
}

#[tokio::test]
async fn what_was_shipped_earned_its_shrunk_lift_over_what_was_exposed() {
    let shop = Shop::new(3000);
    let ground = Ground::open(&shop, with_bet(bet("one"))).await;
    let context = &ground.context;
    let before = realised(context).await.unwrap().value;
    assert!(
        before.shrunk.is_none() && before.bets[0].because.contains("nothing was decided"),
        "{before:?}"
    );
    freeze(context, "more", "theo", "sound").await.unwrap();
    let resolved = resolve(context, "more", "lea", None).await.unwrap();
    assert!(
        resolved.versions[0].resolution.as_ref().unwrap().succeeded,
        "{resolved:?}"
    );
    let ship = |choice: Choice| NewDecision {
        subject: "checkout".into(),
        choice,
        variant: None,
        reason: "revenue is up".into(),
        actor: "lea".into(),
        evidence: vec![],
        waiver: None,
    };
    governance::decide(context, &ship(Choice::Ship)).await.unwrap();
    let found = realised(context).await.unwrap().value;
    let earned = &found.bets[0];
    assert_eq!(
        (earned.since.as_deref(), earned.until.as_deref()),
        (Some("2025-03-15"), Some("2025-03-31"))
    );
    let (from, to) = (START + 14 * DAY, START + 31 * DAY);
    let total: i64 = shop
        .orders
        .iter()
        .filter(|o| (from..to).contains(&o.at))
        .map(|o| o.cents)
        .sum();
    let lift = earned.shrunk_lift.unwrap();
    let base = total as f64 / (1.0 + lift);
    assert!(
        (earned.base.unwrap() / base - 1.0).abs() < 1e-9,
        "{} {base}",
        earned.base.unwrap()
    );
    let money = earned.money.as_ref().unwrap();
    assert!((money.point / (lift * base * 0.5) - 1.0).abs() < 1e-6, "{money:?}");
    assert!((earned.units.as_ref().unwrap().point / (lift * base) - 1.0).abs() < 1e-6);
    assert!((earned.naive.unwrap() / (earned.lift.unwrap() * base * 0.5) - 1.0).abs() < 1e-9);
    assert!(money.low < money.point && money.point < money.high && money.level == 0.8);
    let stated = steward_stats::three_point::ThreePoint::new(0.05, 0.1, 0.3)
        .unwrap()
        .mean();
    assert!((earned.plan.unwrap() / (0.7 * stated * base * 0.5) - 1.0).abs() < 1e-9);
    assert_eq!(found.shrunk.as_ref().unwrap().point, money.point);
    assert_eq!(earned.signed, Some(("theo".into(), 1)));
    assert_eq!(earned.advice, Advice::Scale, "{}", earned.because);
    assert!(realised(context).await.unwrap().reused);

    // Unsigned: units only. The folder's edit does not count while a version is frozen, so it is frozen anew first.
    let mut unsigned = bet("unsigned");
    unsigned.meta = meta("quiet", "unsigned");
    unsigned.value.as_mut().unwrap().signed_by = None;
    let mut p = with_bet(bet("one"));
    p.bets.clear();
    p.bets.insert("quiet".into(), unsigned);
    let quiet = realised(&ground.with(p)).await.unwrap().value;
    let row = quiet.bets.iter().find(|b| b.bet == "quiet").unwrap();
    assert!(
        row.money.is_none() && row.units.is_some() && row.because.contains("signed value"),
        "{row:?}"
    );

    // A one-off counts its days and no more; a metric that does not add up is refused by name.
    let mut once = bet("once");
    once.meta = meta("once", "once");
    once.value.as_mut().unwrap().one_off_days = Some(4);
    let mut ratio = bet("ratio");
    ratio.meta = meta("ratio", "ratio");
    ratio.metric = "order_value".into();
    let mut p = with_bet(bet("one"));
    p.bets = [("once".to_string(), once), ("ratio".to_string(), ratio)].into();
    let more = realised(&ground.with(p)).await.unwrap().value;
    let of = |name: &str| more.bets.iter().find(|b| b.bet == name).unwrap();
    assert_eq!(of("once").until.as_deref(), Some("2025-03-18"));
    assert!(
        of("once").one_off && of("once").because.contains("final"),
        "{:?}",
        of("once")
    );
    assert!(
        of("ratio").problem.as_ref().unwrap().contains("does not add up"),
        "{:?}",
        of("ratio")
    );

    // Taken back: nothing more is earned from that day on.
    governance::decide(context, &ship(Choice::RollBack)).await.unwrap();
    let back = realised(context).await.unwrap().value;
    assert!(back.bets[0].units.is_some());
}

/// Forecasts whose stated logit is 1.6 × the true one + 0.4, as CSV; and the same numbers.
fn forecasts(n: u64) -> (String, Vec<f64>, Vec<bool>) {
    let (mut text, mut p, mut y) = (String::from("who,p,came\n"), vec![], vec![]);
    for i in 0..n {
        let logit = 4.0 * uniform(61, i) - 2.3;
        let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
        let (stated, came) = (sigmoid(1.6 * logit + 0.4), uniform(62, i) < sigmoid(logit));
        let who = ["mara", "theo", "lea", "stranger"][(i % 4) as usize];
        text.push_str(&format!("{who},{stated},{came}\n"));
        p.push(stated);
        y.push(came);
    }
    (text, p, y)
}

async fn forecasters(rows: &str) -> Ground {
    let folder = tempfile::tempdir().unwrap();
    Shop::new(50).write(folder.path());
    std::fs::write(folder.path().join("data/forecasts.csv"), rows).unwrap();
    let mut p = with_bet(bet("one"));
    let d = dataset("forecasts", &[("who", "string"), ("p", "number"), ("came", "boolean")]);
    p.datasets.insert("forecasts".into(), d);
    p.settings.portfolio.forecasts = Some(ForecastRecord {
        dataset: "forecasts".into(),
        forecaster: "who".into(),
        probability: "p".into(),
        outcome: "came".into(),
    });
    Ground::over(folder, p).await
}

#[tokio::test]
async fn stated_probabilities_are_read_as_what_they_have_meant() {
    let (text, p, y) = forecasts(240);
    let ground = forecasters(&format!("{text}mara,0.5,\nmara,1.5,true\n")).await;
    let found = calibration(&ground.context, None).await.unwrap();
    assert_eq!((found.resolved, found.unresolved, found.left_out), (240, 1, 1));
    let line = found.all.line.as_ref().unwrap();
    let direct = recalibrate(&p, &y, 0.95).unwrap();
    assert!((line.slope.point - direct.slope.point).abs() < 1e-9);
    assert!(line.slope.low < 0.625 && 0.625 < line.slope.high, "{line:?}");
    assert!(found.own.is_none(), "nobody asked");
    let teams: Vec<(&str, u64)> = found.teams.iter().map(|t| (t.team.as_str(), t.resolved)).collect();
    assert_eq!(teams, [("growth", 60), ("no team", 60), ("ranking", 120)]);
    // Teams of one forecaster would show a person's score.
    let growth = &found.teams[0];
    assert!(growth.skill.is_none() && growth.shift.is_none() && growth.eighty.is_none());
    let ranking = &found.teams[2];
    assert!(ranking.skill.is_some() && ranking.eighty.unwrap() < 0.8);
    assert_eq!(found.correct(0.8, None), line.correct(0.8, 0.0));
    assert!((found.correct(0.8, Some("ranking")) - ranking.eighty.unwrap()).abs() < 1e-12);

    let own = calibration(&ground.context, Some("theo")).await.unwrap().own.unwrap();
    assert_eq!((own.person.as_str(), own.resolved), ("theo", 60));
    let mine: (Vec<f64>, Vec<bool>) = (0..240).filter(|i| i % 4 == 1).map(|i| (p[i], y[i])).unzip();
    let direct = recalibrate(&mine.0, &mine.1, 0.95).unwrap();
    assert!((own.scores.line.unwrap().slope.point - direct.slope.point).abs() < 1e-9);
    assert!(refused(calibration(&ground.context, Some("stranger")).await).contains("rule `actor`"));
    let kept = ground
        .context
        .ledger
        .evidence_by_id(&found.evidence)
        .await
        .unwrap()
        .unwrap();
    assert!(
        !kept.value.to_string().contains("theo"),
        "evidence holds no person's score"
    );
}

#[tokio::test]
async fn under_thirty_is_insufficient_and_corrects_nothing() {
    let ground = forecasters(&forecasts(29).0).await;
    let found = calibration(&ground.context, None).await.unwrap();
    assert!(found.all.line.is_none() && found.all.refused.as_ref().unwrap().detail.starts_with("insufficient"));
    assert!(found.summary.contains("insufficient: 29"), "{}", found.summary);
    assert_eq!(found.correct(0.8, Some("ranking")), 0.8);
}
