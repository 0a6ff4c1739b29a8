//! A run evaluates what is due, once, and goes on past failures.

use std::sync::Mutex;

use crate::shop::*;
use steward_capabilities::pipelines::*;
use steward_definitions::*;

#[tokio::test]
async fn a_run_computes_once_and_goes_on_past_failures() {
    let mut p = project();
    let mut lost = p.experiments["checkout"].clone();
    lost.meta = meta("lost", "");
    lost.exposures.dataset = "nowhere".into();
    p.experiments.insert("lost".into(), lost);
    let ground = Ground::open(&Shop::new(300), p).await;
    let seen = Mutex::new(Vec::new());
    let note = |p: Progress| seen.lock().unwrap().push((p.done, p.total, p.current));
    let names: Vec<String> = ["experiment/checkout", "lost"].map(String::from).to_vec();
    let first = run(&ground.context, &names, &note).await.unwrap();
    let of = |s: &RunSummary, r: &str| s.items.iter().find(|i| i.reference == r).unwrap().clone();
    assert_eq!(first.items.len(), 2);
    assert_eq!(of(&first, "experiment/checkout").outcome, RunOutcome::Computed);
    let lost = of(&first, "experiment/lost");
    assert_eq!(lost.outcome, RunOutcome::Failed);
    assert!(lost.message.contains("nowhere"), "{}", lost.message);
    assert_eq!(first.computed + first.reused + first.failed, 2);
    let seen = seen.into_inner().unwrap();
    assert_eq!(seen.last().unwrap(), &(2, 2, None));
    assert_eq!(seen[0].2.as_deref(), Some("experiment/checkout"));

    let again = run(&ground.context, &names, &|_| {}).await.unwrap();
    assert_eq!((again.computed, again.reused, again.failed), (0, 1, 1));
    assert_eq!(
        of(&again, "experiment/checkout").evidence,
        of(&first, "experiment/checkout").evidence
    );

    let some = run(&ground.context, &["experiment/checkout".into()], &|_| {})
        .await
        .unwrap();
    assert_eq!(some.items.len(), 1);
    let wrong = run(&ground.context, &["chekout".into()], &|_| {}).await.unwrap_err();
    assert!(wrong.to_string().contains("checkout"), "{wrong}");
}

#[tokio::test]
async fn everything_due_is_evaluated_in_the_order_it_rests_on() {
    let mut p = project();
    let prose = BlockContent::Prose {
        markdown: "# Weekly".into(),
    };
    let content = [
        prose,
        BlockContent::Experiment {
            name: "checkout".into(),
        },
    ];
    let report = Report {
        meta: meta("weekly", "report"),
        blocks: content
            .map(|content| Block {
                span: Span::default(),
                content,
            })
            .to_vec(),
        max_age_hours: None,
        ..Report::default()
    };
    p.reports.insert("weekly".into(), report);
    let ground = Ground::open(&Shop::new(300), p).await;
    let first = run(&ground.context, &[], &|_| {}).await.unwrap();
    let order: Vec<&str> = first.items.iter().map(|i| i.reference.as_str()).collect();
    let expected = [
        "dataset/exposures",
        "dataset/orders",
        "dataset/sessions",
        "dataset/users",
    ];
    assert_eq!(
        order,
        [&expected[..], &["experiment/checkout", "report/weekly"]].concat()
    );
    assert_eq!(first.failed, 0, "{:?}", first.items);
    let again = run(&ground.context, &[], &|_| {}).await.unwrap();
    assert_eq!((again.computed, again.reused), (0, 6), "{:?}", again.items);
}
