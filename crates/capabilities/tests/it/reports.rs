//! Packs: figures with their change and uncertainty; what may not be shown fails with its line.

use steward_capabilities::reports::{self, SectionContent};
use steward_capabilities::{CapabilityError, metrics};
use steward_compute::Value;
use steward_definitions::*;

use crate::shop::{self, Ground, Shop};

fn block(line: u32, content: BlockContent) -> Block {
    let span = Span {
        file: "reports/weekly.md".into(),
        line,
        column: 1,
    };
    Block { span, content }
}

fn metric(name: &str, period: Option<&str>) -> BlockContent {
    BlockContent::Metric {
        metric: name.into(),
        period: period.map(Into::into),
        filter: None,
    }
}

fn project(blocks: Vec<Block>, max_age_hours: Option<f64>) -> Project {
    let mut p = shop::project();
    let report = Report {
        meta: shop::meta("weekly", &format!("{blocks:?}")),
        blocks,
        max_age_hours,
        ..Report::default()
    };
    p.reports.insert("weekly".into(), report);
    p
}

#[tokio::test]
async fn a_pack_holds_figures_charts_and_tables() {
    let blocks = vec![
        block(
            5,
            BlockContent::Prose {
                markdown: "# Week".into(),
            },
        ),
        block(7, metric("revenue", Some("week"))),
        block(9, metric("order_value", None)),
        block(11, metric("mean_order", None)),
        block(
            13,
            BlockContent::Chart {
                metrics: vec!["orders".into()],
                by: vec!["time:week".into()],
                filter: None,
                title: None,
                mark: "line".into(),
                from: None,
                to: None,
            },
        ),
        block(
            15,
            BlockContent::Sql {
                query: "select country, count(*) as users from users group by country order by country".into(),
                title: Some("Users".into()),
            },
        ),
        block(17, BlockContent::Decisions { last: Some(3) }),
    ];
    let mut ground = Ground::open(&Shop::new(400), project(blocks, None)).await;
    // Sunday 16 March: the last complete week is 3 to 9 March.
    ground.context.now_us = shop::START + 15 * shop::DAY;
    let pack = reports::conclude(&ground.context, "weekly").await.unwrap();
    assert_eq!(pack.value.sections.len(), 7);
    let figures: Vec<&reports::Figure> = pack
        .value
        .sections
        .iter()
        .filter_map(|s| match &s.content {
            SectionContent::Figure(f) => Some(f),
            _ => None,
        })
        .collect();
    let revenue = figures[0];
    assert_eq!(
        (revenue.from.as_deref(), revenue.to.as_deref()),
        (Some("2025-03-03"), Some("2025-03-09"))
    );
    assert!(matches!(revenue.value, Value::Integer(_)) && revenue.estimate.is_none() && revenue.change.is_some());
    // Ratio of sums over users: delta method over orders grouped by user.
    let shop = Shop::new(400);
    let mut by_user: std::collections::BTreeMap<u64, (f64, f64)> = Default::default();
    for o in &shop.orders {
        let e = by_user.entry(o.user).or_default();
        e.0 += o.cents as f64;
        e.1 += 1.0;
    }
    let n = by_user.len() as f64;
    let (x, y): (f64, f64) = by_user.values().fold((0.0, 0.0), |a, v| (a.0 + v.0, a.1 + v.1));
    let r = x / y;
    let ss: f64 = by_user.values().map(|v| (v.0 - r * v.1).powi(2)).sum();
    let se = (ss / (n - 1.0) / n).sqrt() / (y / n);
    for figure in &figures[1..] {
        let e = figure.estimate.as_ref().unwrap_or_else(|| panic!("{figure:?}"));
        assert!(
            (e.point - r).abs() < 1e-9 * r && (e.se - se).abs() < 1e-9 * se,
            "{} {se} {e:?}",
            figure.metric
        );
    }
    assert!(reports::conclude(&ground.context, "weekly").await.unwrap().reused);
    let first = pack.value.clone();
    ground.context.now_us += 7 * shop::DAY;
    let second = reports::conclude(&ground.context, "weekly").await.unwrap().value;
    assert_eq!(second.previous_as_of_us, Some(first.as_of_us));
    let SectionContent::Figure(f) = &second.sections[1].content else {
        panic!()
    };
    assert_eq!(f.previous_pack.as_ref(), Some(&revenue.value));
    assert_eq!(
        reports::history(&ground.context, "weekly", None).await.unwrap().len(),
        2
    );
    assert!(metrics::newest(&ground.context, "revenue").await.unwrap().is_some());
}

#[tokio::test]
async fn stale_missing_and_unowned_metrics_fail_with_the_line() {
    let blocks = vec![
        block(7, metric("revenu", None)),
        block(9, metric("revenue", Some("fortnight"))),
        block(11, metric("orders", None)),
        block(13, metric("sessions", Some("day"))),
    ];
    let mut p = project(blocks.clone(), None);
    p.metrics.get_mut("orders").unwrap().meta.owner.clear();
    let mut ground = Ground::open(&Shop::new(50), p).await;
    ground.context.now_us = shop::START + 300 * shop::DAY;
    let problems = |e: CapabilityError| match e {
        CapabilityError::Definitions(all) => all.into_iter().map(|d| (d.span.line, d.code)).collect::<Vec<_>>(),
        other => panic!("{other}"),
    };
    let found = problems(reports::build(&ground.context, "weekly", None).await.unwrap_err());
    for (line, code) in [(7, "missing-metric"), (9, "unknown-period"), (11, "unowned-metric")] {
        assert!(found.contains(&(line, code.to_owned())), "{found:?}");
    }
    let stale = ground.with(project(vec![block(7, metric("revenue", None))], Some(48.0)));
    let mut stale = stale;
    stale.now_us = ground.context.now_us;
    assert_eq!(
        problems(reports::build(&stale, "weekly", None).await.unwrap_err()),
        [(7, "stale-metric".to_owned())]
    );
}
