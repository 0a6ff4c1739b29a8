//! What is in force, who decided, on which evidence.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use steward_capabilities::CapabilityError;
use steward_capabilities::experiments::{self, ReadoutOptions};
use steward_capabilities::governance::*;
use steward_definitions::*;
use steward_ledger::Filter;

use crate::shop::*;

fn decision(choice: Choice) -> NewDecision {
    NewDecision {
        subject: "checkout".into(),
        choice,
        variant: None,
        reason: "revenue is up and nothing is harmed".into(),
        actor: "jonas".into(),
        evidence: vec![],
        waiver: None,
    }
}

async fn events(ground: &Ground) -> usize {
    ground.context.ledger.read(&Filter::default()).await.unwrap().len()
}

fn refusal(result: Result<Decision, CapabilityError>) -> String {
    match result {
        Err(CapabilityError::Refused(why)) => why,
        other => panic!("not refused: {other:?}"),
    }
}

/// A shop whose treatment lost a fourth of its units.
fn broken() -> Shop {
    let mut shop = Shop::new(3000);
    shop.users.retain(|u| u.variant == "control" || u.id % 4 != 0);
    let kept: std::collections::BTreeSet<u64> = shop.users.iter().map(|u| u.id).collect();
    shop.again.retain(|(u, ..)| kept.contains(u));
    shop
}

#[tokio::test]
async fn applying_twice_changes_nothing() {
    let ground = Ground::open(&Shop::new(50), project()).await;
    let context = &ground.context;
    let plan = governance_plan(context).await;
    assert!(plan.first && !plan.empty);
    assert!(plan.changes.iter().all(|c| c.action == "added"));
    let first = apply(context, "mara", "first", Some("abc123".into())).await.unwrap();
    assert!(first.changed && first.sequence == Some(1));
    let again = apply(context, "mara", "again", None).await.unwrap();
    assert!(!again.changed && again.sequence.is_none() && again.plan.empty);
    assert_eq!(again.digest, first.digest);
    assert_eq!(events(&ground).await, 1);
    assert_eq!(
        applied(&context.ledger, None).await.unwrap().as_ref(),
        Some(context.project.as_ref())
    );
    let all = applications(&context.ledger, None).await.unwrap();
    assert_eq!(
        (all.len(), all[0].git_commit.as_deref(), all[0].message.as_deref()),
        (1, Some("abc123"), Some("first"))
    );
}

async fn governance_plan(context: &steward_capabilities::Context) -> PlanView {
    steward_capabilities::governance::plan(context).await.unwrap()
}

#[tokio::test]
async fn a_plan_names_fields_and_what_breaks_downstream() {
    let mut before = project();
    let objective = Objective {
        meta: meta("growth", "objective"),
        start: "2025-01-01".into(),
        end: "2025-03-31".into(),
        key_results: vec![KeyResult {
            name: "revenue".into(),
            metric: "revenue".into(),
            grain: "month".into(),
            target: 1.0,
            ..KeyResult::default()
        }],
        ..Objective::default()
    };
    before.objectives.insert("growth".into(), objective);
    let ground = Ground::open(&Shop::new(50), before.clone()).await;
    apply(&ground.context, "mara", "", None).await.unwrap();

    let mut after = before.clone();
    let orders = after.datasets.get_mut("orders").unwrap();
    orders.columns.retain(|c| c.name != "amount_cents");
    orders.meta.digest = "changed".into();
    let experiment = after.experiments.get_mut("checkout").unwrap();
    experiment.alpha = 0.01;
    experiment.meta.digest = "changed".into();
    after.metrics.remove("mean_order");
    let context = ground.with(after);
    let plan = governance_plan(&context).await;
    let change = |r: &str| plan.changes.iter().find(|c| c.reference == r).unwrap();
    assert_eq!(change("metric/mean_order").action, "removed");
    let alpha = &change("experiment/checkout").fields;
    assert!(alpha.iter().any(|f| f.field == "alpha"
        && f.before == Some(serde_json::json!(0.05))
        && f.after == Some(serde_json::json!(0.01))));
    assert!(
        change("dataset/orders")
            .breaking
            .iter()
            .any(|b| b.contains("amount_cents"))
    );
    let broken: Vec<&str> = plan.breaks.iter().map(|b| b.reference.as_str()).collect();
    for reference in [
        "metric/revenue",
        "metric/order_value",
        "experiment/checkout",
        "objective/growth",
    ] {
        assert!(broken.contains(&reference), "{reference} in {broken:?}");
    }
    let path = &plan
        .breaks
        .iter()
        .find(|b| b.reference == "objective/growth")
        .unwrap()
        .path;
    assert_eq!(path.first().unwrap(), "dataset/orders");
    assert_eq!(path.last().unwrap(), "objective/growth");
    let waiting = waiting(&context).await.unwrap();
    assert!(waiting.iter().any(|w| w.kind == "plan"));
}

#[tokio::test]
async fn of_two_applying_at_once_each_change_is_recorded_once() {
    let ground = Ground::open(&Shop::new(50), project()).await;
    let calls = (0..6).map(|_| apply(&ground.context, "mara", "race", None));
    let results = futures_join(calls).await;
    assert_eq!(results.iter().filter(|r| r.changed).count(), 1);
    assert_eq!(events(&ground).await, 1);
    ground.context.ledger.verify(None).await.unwrap();
}

/// Runs futures together.
async fn futures_join<F, T>(calls: impl Iterator<Item = F>) -> Vec<T>
where
    F: Future<Output = Result<T, CapabilityError>>,
{
    let mut pending: Vec<_> = calls.map(Box::pin).map(Some).collect();
    let mut done = Vec::new();
    std::future::poll_fn(|cx| {
        for slot in &mut pending {
            if let Some(call) = slot
                && let std::task::Poll::Ready(result) = call.as_mut().poll(cx)
            {
                done.push(result.unwrap());
                *slot = None;
            }
        }
        if pending.iter().all(Option::is_none) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    done
}

#[tokio::test]
async fn a_decision_cites_the_current_readout_and_says_why() {
    let ground = Ground::open(&Shop::new(4000), project()).await;
    let context = &ground.context;
    let made = decide(context, &decision(Choice::Ship)).await.unwrap();
    let readout = experiments::readout(context, "checkout", &ReadoutOptions::default())
        .await
        .unwrap();
    assert_eq!(made.subject, "experiment/checkout");
    assert_eq!(made.variant.as_deref(), Some("treatment"));
    assert_eq!(made.evidence.len(), 1);
    assert_eq!(made.evidence[0].id, readout.provenance.evidence);
    assert_eq!(made.verdict.as_deref(), Some(readout.verdict.as_str()));
    assert_eq!(made.reason.as_deref(), Some("revenue is up and nothing is harmed"));
    assert!(made.waiver.is_none());
    for rule in ["reason", "actor", "evidence", "sample-ratio", "separation-of-duties"] {
        assert!(made.policy.iter().any(|p| p.rule == rule), "{rule}");
    }
    let listed = decisions(context, &DecisionFilter::default(), None).await.unwrap();
    assert_eq!(listed, [made.clone()]);
    // The evidence is bound to the chain.
    context.ledger.verify(None).await.unwrap();

    let why = why(context, &made.evidence[0].id[..12]).await.unwrap();
    assert!(why.current);
    assert_eq!(why.decisions, [made]);
    assert!(why.sql[0].to_lowercase().contains("grouping sets"), "{:?}", why.sql);
    assert!(
        why.definitions
            .iter()
            .any(|d| d.reference == "metric/revenue" && d.owner.as_deref() == Some("mara"))
    );
    assert!(why.data.iter().any(|d| d.table == "orders" && d.current));

    // Changed data is said.
    let path = ground.folder.path().join("data/orders.csv");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("{text}999999,0,2025-03-02T00:00:00Z,1\n")).unwrap();
    context.register().await;
    let later = steward_capabilities::governance::why(context, &why.evidence)
        .await
        .unwrap();
    assert!(!later.current && later.data.iter().any(|d| d.table == "orders" && !d.current));
    let mut stale = decision(Choice::Stop);
    stale.evidence = vec![why.evidence];
    assert!(refusal(decide(context, &stale).await).contains("not current"));
}

#[tokio::test]
async fn policy_is_checked_at_the_moment_of_deciding() {
    let mut p = project();
    p.settings.people = ["mara", "jonas"]
        .iter()
        .map(|n| Person {
            name: (*n).into(),
            email: Some(format!("{n}@shop.example")),
            ..Person::default()
        })
        .collect();
    let ground = Ground::open(&Shop::new(400), p).await;
    let context = &ground.context;
    let with = |change: &dyn Fn(&mut NewDecision)| {
        let mut d = decision(Choice::Stop);
        change(&mut d);
        d
    };
    let no_reason = with(&|d| d.reason = "  ".into());
    assert!(refusal(decide(context, &no_reason).await).contains("`reason`"));
    let stranger = with(&|d| d.actor = "eve".into());
    assert!(refusal(decide(context, &stranger).await).contains("jonas"));
    let nobody = with(&|d| d.actor = String::new());
    assert!(refusal(decide(context, &nobody).await).contains("`actor`"));
    let invented = with(&|d| d.evidence = vec!["0123456789abcdef".into()]);
    assert!(refusal(decide(context, &invented).await).contains("no evidence"));
    let needless = with(&|d| d.waiver = Some("just in case".into()));
    assert!(matches!(
        decide(context, &needless).await,
        Err(CapabilityError::Invalid(_))
    ));
    let mut own = with(&|d| d.actor = "mara".into());
    own.choice = Choice::Approve;
    assert!(refusal(decide(context, &own).await).contains("separation-of-duties"));
    let unknown = with(&|d| d.subject = "chekout".into());
    assert!(
        decide(context, &unknown)
            .await
            .unwrap_err()
            .to_string()
            .contains("checkout")
    );
    let shipped = NewDecision {
        choice: Choice::Ship,
        variant: Some("blue".into()),
        ..decision(Choice::Ship)
    };
    assert!(
        decide(context, &shipped)
            .await
            .unwrap_err()
            .to_string()
            .contains("no variant")
    );
    assert_eq!(
        events(&ground).await,
        0,
        "what is refused leaves no trace of a decision"
    );
    // The owner may stop her own experiment; it is noted.
    let made = decide(context, &with(&|d| d.actor = "mara".into())).await.unwrap();
    assert!(
        made.policy
            .iter()
            .any(|p| p.rule == "separation-of-duties" && p.outcome == "noted")
    );
}

#[tokio::test]
async fn a_broken_split_needs_a_waiver_which_is_a_decision_too() {
    let ground = Ground::open(&broken(), project()).await;
    let context = &ground.context;
    let why = refusal(decide(context, &decision(Choice::Ship)).await);
    assert!(why.contains("sample-ratio") && why.contains("waiver"), "{why}");
    assert_eq!(events(&ground).await, 0);

    let mut waived = decision(Choice::Ship);
    waived.waiver = Some("the lost units are bots, see ticket 12".into());
    let made = decide(context, &waived).await.unwrap();
    let all = decisions(context, &DecisionFilter::default(), None).await.unwrap();
    assert_eq!(all.len(), 2);
    assert_eq!((all[0].choice, all[1].choice), (Choice::Ship, Choice::Waive));
    assert_eq!(made.waiver, Some(all[1].sequence));
    assert_eq!(all[1].reason.as_deref(), Some("the lost units are bots, see ticket 12"));
    assert!(
        made.policy
            .iter()
            .any(|p| p.rule == "sample-ratio" && p.outcome == "waived")
    );
}

#[tokio::test]
async fn arms_on_different_days_need_a_waiver_too() {
    let mut shop = Shop::new(1500);
    let missed = START + 5 * DAY..START + 6 * DAY;
    shop.users
        .retain(|u| u.variant == "control" || !missed.contains(&u.exposed));
    let kept: std::collections::BTreeSet<u64> = shop.users.iter().map(|u| u.id).collect();
    shop.again.retain(|(u, ..)| kept.contains(u));
    let ground = Ground::open(&shop, project()).await;
    let context = &ground.context;
    let why = refusal(decide(context, &decision(Choice::Ship)).await);
    assert!(why.contains("rule `health`") && why.contains("waiver"), "{why}");
    let mut waived = decision(Choice::Ship);
    waived.waiver = Some("an outage of the treatment's servers, see incident 3".into());
    let made = decide(context, &waived).await.unwrap();
    let outcome = |rule: &str| made.policy.iter().find(|p| p.rule == rule).map(|p| p.outcome.as_str());
    assert_eq!(
        (outcome("health"), outcome("sample-ratio")),
        (Some("waived"), Some("met"))
    );
}

#[tokio::test]
async fn reasons_can_be_erased_and_the_decision_stays() {
    let ground = Ground::open(&Shop::new(400), project()).await;
    let context = &ground.context;
    let made = decide(context, &decision(Choice::Extend)).await.unwrap();
    let payload = serde_json::to_string(&context.ledger.read(&Filter::default()).await.unwrap()[0].payload).unwrap();
    assert!(!payload.contains("nothing is harmed"));
    context
        .ledger
        .erase(made.sequence, "privacy", "asked for")
        .await
        .unwrap();
    let after = decisions(context, &DecisionFilter::default(), None).await.unwrap();
    assert_eq!(after[0].reason, None);
    assert_eq!((after[0].choice, &after[0].evidence), (Choice::Extend, &made.evidence));
    context.ledger.verify(None).await.unwrap();
}

#[tokio::test]
async fn any_question_can_be_asked_as_of_a_moment() {
    let ground = Ground::open(&Shop::new(400), project()).await;
    let context = &ground.context;
    let before = ground.clock.load(Ordering::SeqCst) - 1;
    apply(context, "mara", "one", None).await.unwrap();
    let made = decide(context, &decision(Choice::Stop)).await.unwrap();
    let between = ground.clock.fetch_add(DAY, Ordering::SeqCst);
    let mut changed = project();
    edit(&mut changed, |e| e.alpha = 0.01);
    let later = ground.with(changed.clone());
    apply(&later, "mara", "two", None).await.unwrap();
    decide(&later, &decision(Choice::Ship)).await.unwrap();

    let ledger = &context.ledger;
    assert_eq!(applied(ledger, Some(before)).await.unwrap(), None);
    assert_eq!(applied(ledger, Some(between)).await.unwrap(), Some(project()));
    assert_eq!(applied(ledger, None).await.unwrap(), Some(changed));
    assert_eq!(applications(ledger, Some(between)).await.unwrap().len(), 1);
    let filter = DecisionFilter {
        subject: Some("experiment/checkout".into()),
        ..DecisionFilter::default()
    };
    assert_eq!(
        decisions(context, &filter, Some(between)).await.unwrap(),
        [made.clone()]
    );
    let now = decisions(context, &filter, None).await.unwrap();
    assert_eq!(
        now.iter().map(|d| d.choice).collect::<Vec<_>>(),
        [Choice::Ship, Choice::Stop]
    );
    let then = lineage(context, Some("experiment/checkout"), Some(between))
        .await
        .unwrap();
    assert_eq!(then.nodes.iter().filter(|n| n.kind == "decision").count(), 1);
    let nothing = lineage(context, None, Some(before)).await.unwrap();
    assert!(nothing.nodes.is_empty());
}

#[tokio::test]
async fn lineage_runs_from_dataset_to_decision() {
    let mut p = project();
    let sql = BlockContent::Sql {
        query: "SELECT count(*) FROM users u JOIN sessions ON true".into(),
        title: None,
    };
    let block = |content| Block {
        span: Span::default(),
        content,
    };
    let report = Report {
        meta: meta("weekly", "report"),
        blocks: vec![
            block(BlockContent::Experiment {
                name: "checkout".into(),
            }),
            block(sql),
        ],
        max_age_hours: None,
        ..Report::default()
    };
    p.reports.insert("weekly".into(), report);
    let ground = Ground::open(&Shop::new(400), p).await;
    let context = &ground.context;
    decide(context, &decision(Choice::Stop)).await.unwrap();
    let graph = lineage(context, Some("dataset/orders"), None).await.unwrap();
    let distance = |id: &str| graph.nodes.iter().find(|n| n.id == id).map(|n| n.distance);
    assert_eq!(distance("dataset/orders"), Some(0));
    assert_eq!(distance("semantic_model/orders"), Some(1));
    assert_eq!(distance("metric/revenue"), Some(2));
    assert_eq!(distance("experiment/checkout"), Some(3));
    assert_eq!(distance("report/weekly"), Some(4));
    assert_eq!(distance("decision/1"), Some(4));
    assert_eq!(distance("dataset/users"), None);
    let up = lineage(context, Some("report/weekly"), None).await.unwrap();
    for id in [
        "dataset/users",
        "dataset/sessions",
        "dataset/exposures",
        "metric/order_value",
    ] {
        assert!(up.nodes.iter().any(|n| n.id == id && n.distance < 0), "{id}");
    }
    assert!(
        lineage(context, Some("metric/revenu"), None)
            .await
            .unwrap_err()
            .to_string()
            .contains("revenue")
    );
}

#[tokio::test]
async fn what_ended_without_a_decision_waits() {
    let ground = Ground::open(&Shop::new(400), project()).await;
    let mut context = ground.context.clone();
    apply(&context, "mara", "", None).await.unwrap();
    let of = |all: &[Waiting]| all.iter().find(|w| w.kind == "experiment").cloned();
    let found = of(&waiting(&context).await.unwrap()).unwrap();
    assert!(found.why.contains("never read out"), "{}", found.why);
    assert_eq!(
        (found.deadline.as_deref(), found.urgency.as_str()),
        (Some("2025-03-29"), "urgent")
    );
    let readout = experiments::readout(&context, "checkout", &ReadoutOptions::default())
        .await
        .unwrap();
    assert_eq!(of(&waiting(&context).await.unwrap()).unwrap().why, readout.verdict);
    decide(&context, &decision(Choice::Extend)).await.unwrap();
    assert!(
        of(&waiting(&context).await.unwrap())
            .unwrap()
            .why
            .starts_with("It was extended")
    );
    decide(&context, &decision(Choice::Stop)).await.unwrap();
    assert_eq!(of(&waiting(&context).await.unwrap()), None);
    // While it runs and its split holds, nobody is asked.
    context.now_us = START + 5 * DAY;
    context.project = Arc::new(project());
    assert_eq!(of(&waiting(&context).await.unwrap()), None);
}
