//! Plans: what binds an experiment, and what departs from it, by its date.

use std::sync::atomic::Ordering;

use steward_capabilities::experiments::{
    self, Departure, PlanReadout, PlanReport, Readout, ReadoutOptions, Recommendation, Role,
};
use steward_capabilities::governance::{self, Choice, DecisionFilter, NewDecision, apply, register};
use steward_capabilities::{CapabilityError, Context};
use steward_definitions::*;

use crate::shop::*;

/// A second experiment on the shop's users, from 20 March for four weeks.
fn with_next(change: impl FnOnce(&mut Experiment)) -> Project {
    let mut p = project();
    let mut next = p.experiments["checkout"].clone();
    next.meta = meta("next", "experiment");
    next.start = Some("2025-03-20".into());
    next.end = Some("2025-04-17".into());
    next.decide.minimum_effect = Some(0.05);
    p.experiments.insert("next".into(), next);
    changed(p, "next", change)
}

/// The project with another definition of an experiment, its digest with it.
fn changed(mut p: Project, name: &str, change: impl FnOnce(&mut Experiment)) -> Project {
    let experiment = p.experiments.get_mut(name).unwrap();
    change(experiment);
    experiment.meta.digest = steward_ledger::canonical::digest(format!("{experiment:?}").as_bytes());
    p
}

async fn plan(context: &Context, name: &str) -> PlanReport {
    experiments::plan(context, name).await.unwrap()
}

async fn read(context: &Context, name: &str) -> Readout {
    let options = ReadoutOptions::default();
    experiments::readout(context, name, &options).await.unwrap()
}

fn bound(readout: &Readout) -> &PlanReadout {
    readout.plan.as_ref().unwrap()
}

fn codes(departures: &[Departure]) -> Vec<&str> {
    departures.iter().map(|d| d.code.as_str()).collect()
}

#[tokio::test]
async fn a_plan_is_frozen_by_its_registration_and_says_what_it_expects() {
    let ground = Ground::open(&Shop::new(1500), with_next(|_| {})).await;
    ground.clock.store(START + 18 * DAY, Ordering::SeqCst);
    let context = Context {
        now_us: START + 18 * DAY,
        ..ground.context.clone()
    };
    let draft = plan(&context, "next").await;
    assert!(
        draft.registration.is_none() && draft.summary.starts_with("A draft"),
        "{}",
        draft.summary
    );
    let nobody = register(&context, "next", " ", "agreed").await.unwrap_err();
    assert!(
        matches!(&nobody, CapabilityError::Refused(why) if why.contains("named person")),
        "{nobody}"
    );

    let made = register(&context, "next", "mara", "agreed in the review")
        .await
        .unwrap();
    let registration = made.registration.unwrap();
    assert_eq!(
        (registration.actor.as_str(), registration.registered, registration.late),
        ("mara", true, false)
    );
    assert_eq!(registration.definition, context.project.experiments["next"].meta.digest);
    let expected = made.expected.unwrap();
    assert!(!expected.afterwards);
    assert_eq!((expected.days, expected.effect), (28, Some(0.05)));
    let power = experiments::power(&context, "next", &experiments::PowerOptions::default())
        .await
        .unwrap();
    let row = power.value.metrics[0].rows.iter().find(|r| r.days == 28).unwrap();
    assert_eq!(expected.units, Some(row.units));
    assert_eq!(expected.metrics[0].power, row.power);
    assert_eq!(expected.evidence, power.evidence.id);

    // It is a decision like any other, and cites what it expects.
    let filter = DecisionFilter::default();
    let decisions = governance::decisions(&context, &filter, None).await.unwrap();
    assert_eq!(
        (decisions[0].choice, decisions[0].subject.as_str()),
        (Choice::Register, "experiment/next")
    );
    assert_eq!(decisions[0].reason.as_deref(), Some("agreed in the review"));
    assert_eq!(decisions[0].evidence[0].id, power.evidence.id);
    context.ledger.verify(None).await.unwrap();

    // Until the start another may take its place; what the folder says otherwise departs already.
    let other = with_next(|e| e.alpha = 0.01);
    let edited = Context {
        project: other.into(),
        ..context.clone()
    };
    assert_eq!(codes(&plan(&edited, "next").await.departures), ["alpha"]);
    let again = register(&edited, "next", "jonas", "stricter").await.unwrap();
    assert!(again.departures.is_empty() && again.registration.unwrap().actor == "jonas");
    let again_power = again.expected.unwrap().metrics[0].power;
    assert!(again_power < row.power, "a stricter level finds less");

    // After the start nobody may.
    ground.clock.store(START + 25 * DAY, Ordering::SeqCst);
    let started = Context {
        now_us: START + 25 * DAY,
        ..context.clone()
    };
    let refused = register(&started, "next", "mara", "looser")
        .await
        .unwrap_err()
        .to_string();
    assert!(refused.contains("has begun") && refused.contains("jonas"), "{refused}");
    let level = plan(&started, "next").await;
    assert_eq!(codes(&level.departures), ["alpha"]);
    // What it is expected to find is what was promised, not what the folder says now.
    assert_eq!(level.expected.unwrap().metrics[0].power, again_power);
    let term = level.terms.iter().find(|t| t.code == "alpha").unwrap();
    assert_eq!((term.planned.as_str(), term.now.as_str()), ("0.01", "0.05"));
}

#[tokio::test]
async fn the_definition_applied_at_the_start_binds_by_itself() {
    let ground = Ground::open(&Shop::new(300), with_next(|_| {})).await;
    let at = |day: i64| {
        ground.clock.store(START + day * DAY, Ordering::SeqCst);
    };
    let on = |day: i64, p: Project| Context {
        project: p.into(),
        now_us: START + day * DAY,
        ..ground.context.clone()
    };
    at(10);
    let first = on(10, with_next(|e| e.alpha = 0.2));
    apply(&first, "mara", "first", None).await.unwrap();
    assert!(
        plan(&first, "next").await.registration.is_none(),
        "a draft until it starts"
    );
    assert!(read(&first, "next").await.plan.is_none());
    at(15);
    let second = on(15, with_next(|_| {}));
    apply(&second, "jonas", "second", None).await.unwrap();

    // Started: what was in force then binds, from the start on.
    let running = on(22, with_next(|_| {}));
    let found = plan(&running, "next").await;
    let r = found.registration.unwrap();
    assert_eq!(
        (r.actor.as_str(), r.registered, r.late, r.frozen_on.as_str()),
        ("jonas", false, false, "2025-03-20")
    );
    assert!(found.departures.is_empty() && found.expected.unwrap().afterwards);
    assert!(bound(&read(&running, "next").await).summary.contains("Nothing departs"));

    // A later level changes nothing of what was expected under the one that binds.
    let looser = on(22, with_next(|e| e.alpha = 0.2));
    let before = plan(&running, "next").await.expected.unwrap();
    let departed = plan(&looser, "next").await;
    assert_eq!(codes(&departed.departures), ["alpha"]);
    assert_eq!(departed.expected.unwrap().metrics, before.metrics);

    // It begins anew: with a new plan.
    at(23);
    let anew = on(
        23,
        with_next(|e| (e.start, e.alpha) = (Some("2025-03-27".into()), 0.01)),
    );
    apply(&anew, "mara", "anew", None).await.unwrap();
    assert!(plan(&anew, "next").await.registration.is_none());
    let later = Context {
        now_us: START + 27 * DAY,
        ..anew.clone()
    };
    let found = plan(&later, "next").await;
    assert_eq!(found.registration.unwrap().frozen_on, "2025-03-27");
    assert!(found.departures.is_empty(), "{:?}", found.departures);

    // The first experiment was first applied after its start.
    let late = plan(&running, "checkout").await.registration.unwrap();
    assert!(late.late && late.frozen_on == "2025-03-11", "{late:?}");
}

#[tokio::test]
async fn a_metric_added_after_the_start_is_exploratory() {
    let ground = Ground::open(&Shop::new(1500), project()).await;
    ground.clock.store(START - DAY, Ordering::SeqCst);
    apply(&ground.context, "mara", "planned", None).await.unwrap();
    let before = read(&ground.context, "checkout").await;
    let of = |r: &Readout, metric: &str| r.metrics.iter().find(|m| m.metric == metric).unwrap().clone();

    let more = changed(project(), "checkout", |e| e.primary.push("sessions".into()));
    let context = ground.with(more);
    ground.clock.store(START + 5 * DAY, Ordering::SeqCst);
    apply(&context, "jonas", "one more", None).await.unwrap();
    let after = read(&context, "checkout").await;
    let added = of(&after, "sessions");
    assert_eq!(
        (added.role, added.adjusted_p, added.guardrail),
        (Role::Exploratory, None, None)
    );
    // The family is what it was: so are the corrected p-values, the verdict and the recommendation.
    for metric in ["revenue", "buyers"] {
        assert_eq!(of(&after, metric).adjusted_p, of(&before, metric).adjusted_p);
        assert_eq!(of(&after, metric).role, Role::Primary);
    }
    assert_eq!((&after.verdict, after.outcome), (&before.verdict, before.outcome));
    assert_eq!(after.decision.conditions, before.decision.conditions);
    let departure = &bound(&after).departures[0];
    assert_eq!(
        (departure.code.as_str(), departure.metric.as_deref()),
        ("metric_added", Some("sessions"))
    );
    assert_eq!(
        (departure.since.as_deref(), departure.by.as_deref()),
        (Some("2025-03-06"), Some("jonas"))
    );
    assert!(departure.effect.contains("exploratory"));

    // Were it applied before the start, it would decide.
    let ground = Ground::open(&Shop::new(1500), project()).await;
    ground.clock.store(START - DAY, Ordering::SeqCst);
    let context = ground.with(changed(project(), "checkout", |e| e.primary.push("sessions".into())));
    apply(&context, "mara", "planned", None).await.unwrap();
    let planned = read(&context, "checkout").await;
    assert_eq!(of(&planned, "sessions").role, Role::Primary);
    assert!(of(&planned, "revenue").adjusted_p > of(&before, "revenue").adjusted_p);
}

#[tokio::test]
async fn metrics_keep_the_part_that_they_were_planned_for() {
    let ground = Ground::open(&Shop::new(600), project()).await;
    ground.clock.store(START - DAY, Ordering::SeqCst);
    apply(&ground.context, "mara", "planned", None).await.unwrap();
    // One is promoted, one demoted, one taken away, the guardrail loosened.
    let context = ground.with(changed(project(), "checkout", |e| {
        e.primary = vec!["revenue".into(), "order_value".into()];
        e.secondary = vec!["buyers".into(), "mean_order".into()];
        e.guardrails[0].margin = 0.5;
    }));
    let readout = read(&context, "checkout").await;
    let role = |metric: &str| {
        readout
            .metrics
            .iter()
            .find(|m| m.metric == metric)
            .map(|m| (m.role, m.margin))
    };
    assert_eq!(role("order_value"), Some((Role::Secondary, None)));
    assert_eq!(role("buyers"), Some((Role::Primary, None)));
    assert_eq!(role("orders"), Some((Role::Guardrail, Some(0.05))));
    let departures = &bound(&readout).departures;
    assert_eq!(
        codes(departures),
        ["metric_removed", "primary", "secondary", "guardrails"]
    );
    assert_eq!(departures[0].metric.as_deref(), Some("revenue_per_session"));
    // The folder alone says so: nobody has applied it.
    assert!(departures.iter().all(|d| d.since.is_none() && d.by.is_none()));
    assert!(
        bound(&readout).summary.contains("not applied yet"),
        "{}",
        bound(&readout).summary
    );
}

#[tokio::test]
async fn every_promise_that_is_not_kept_is_named_with_its_day() {
    let ground = Ground::open(&Shop::new(100), project()).await;
    ground.clock.store(START - DAY, Ordering::SeqCst);
    apply(&ground.context, "mara", "planned", None).await.unwrap();
    type Change = fn(&mut Experiment);
    let cases: [(&str, Change); 12] = [
        ("primary", |e| e.primary.swap(0, 1)),
        ("method", |e| {
            e.inference.method = InferenceMethod::AlwaysValid { tuned_for: None }
        }),
        ("method", |e| e.inference.alternative = Alternative::Greater),
        ("alpha", |e| e.alpha = 0.1),
        ("correction", |e| e.correction = "none".into()),
        ("adjustment", |e| e.cuped_days = 0),
        ("window", |e| e.window_seconds = Some(86_400)),
        ("population", |e| e.exposures.filter = Some("user_id > 10".into())),
        ("variants", |e| e.variants[1].weight = 2.0),
        ("decision_rule", |e| e.decide.primary = Quorum::All),
        ("stopped_early", |e| e.end = Some("2025-03-10".into())),
        ("ran_longer", |e| e.end = Some("2025-03-20".into())),
    ];
    for (i, (code, change)) in cases.into_iter().enumerate() {
        let context = ground.with(changed(project(), "checkout", change));
        ground.clock.store(START + (2 * i as i64 + 2) * DAY, Ordering::SeqCst);
        apply(&context, "jonas", code, None).await.unwrap();
        let readout = read(&context, "checkout").await;
        let found = &bound(&readout).departures;
        assert_eq!(codes(found), [code]);
        let day = jiff::civil::date(2025, 3, 1).checked_add(jiff::Span::new().days(2 * i as i64 + 2));
        assert_eq!(
            found[0].since.as_deref(),
            Some(day.unwrap().to_string().as_str()),
            "{code}"
        );
        assert_ne!(found[0].planned, found[0].now);
        assert!(
            readout.verdict.contains("It departs from its plan: "),
            "{}",
            readout.verdict
        );
    }
    // As it was: nothing departs any more.
    ground.clock.store(START + 28 * DAY, Ordering::SeqCst);
    apply(&ground.context, "mara", "as planned", None).await.unwrap();
    let kept = read(&ground.context, "checkout").await;
    assert!(bound(&kept).departures.is_empty());
    // A metric that means something else.
    let mut p = project();
    p.metrics.get_mut("revenue").unwrap().meta.digest = "another".into();
    let anew = read(&ground.with(p), "checkout").await;
    assert_eq!(codes(&bound(&anew).departures), ["metric_changed"]);
    // Sequential tests may end before: their days are another matter.
    let looks = Ground::open(
        &Shop::new(300),
        changed(project(), "checkout", |e| {
            e.inference.method = InferenceMethod::AlwaysValid { tuned_for: None };
        }),
    )
    .await;
    looks.clock.store(START - DAY, Ordering::SeqCst);
    apply(&looks.context, "mara", "planned", None).await.unwrap();
    let earlier = changed(looks.context.project.as_ref().clone(), "checkout", |e| {
        e.end = Some("2025-03-10".into())
    });
    let found = read(&looks.with(earlier), "checkout").await;
    assert_eq!(codes(&bound(&found).departures), ["duration"]);
}

#[tokio::test]
async fn a_decision_against_the_rule_is_recorded_as_an_override() {
    let ground = Ground::open(&Shop::new(1500), project()).await;
    let context = &ground.context;
    let said = read(context, "checkout").await.decision.recommendation;
    assert_eq!(said, Recommendation::Ship);
    let new = |choice, reason: &str| NewDecision {
        subject: "checkout".into(),
        choice,
        variant: None,
        reason: reason.into(),
        actor: "jonas".into(),
        evidence: vec![],
        waiver: None,
    };
    let silent = governance::decide(context, &new(Choice::Stop, " ")).await.unwrap_err();
    assert!(silent.to_string().contains("needs a reason"), "{silent}");
    let against = governance::decide(context, &new(Choice::Stop, "the shop closes"))
        .await
        .unwrap();
    assert_eq!(against.overrides, Some(Recommendation::Ship));
    let rule = against.policy.iter().find(|p| p.rule == "recommendation").unwrap();
    assert!(rule.outcome == "overridden" && rule.detail.contains("ship"), "{rule:?}");
    let with = governance::decide(context, &new(Choice::Ship, "as the rule says"))
        .await
        .unwrap();
    assert_eq!(with.overrides, None);
    assert!(
        with.policy
            .iter()
            .any(|p| p.rule == "recommendation" && p.outcome == "met")
    );
    let redesign = governance::decide(context, &new(Choice::Redesign, "another page"))
        .await
        .unwrap();
    assert_eq!(
        (redesign.choice, redesign.overrides),
        (Choice::Redesign, Some(Recommendation::Ship))
    );
    let all = governance::decisions(context, &DecisionFilter::default(), None)
        .await
        .unwrap();
    assert_eq!(all.iter().filter(|d| d.overrides.is_some()).count(), 2);
    // A plan is no choice of a decision.
    let wrong = governance::decide(context, &new(Choice::Register, "now"))
        .await
        .unwrap_err();
    assert!(wrong.to_string().contains("--register"), "{wrong}");
}
