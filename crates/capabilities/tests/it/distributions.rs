//! Funnels, conversions and quantiles of experiments, against the same numbers computed by hand from the rows.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use steward_capabilities::experiments::*;
use steward_compute::arrow::datatypes::SchemaRef;
use steward_compute::{
    BoxFuture, Dialect, Engine, EngineError, Query, Rows, RunControl, Snapshot, TableFacts, TableSource,
};
use steward_definitions::*;
use steward_stats::fieller::of_arms;
use steward_stats::group_sequential::Sides;
use steward_stats::quantile::{self, Error, Events};
use steward_stats::{Comparison, Estimate, Moments, NotEstimable, Reason, Statistic, funnel, lift};

use crate::places::Place;
use crate::shop::*;

fn close(a: f64, b: f64) {
    assert!((a - b).abs() <= 1e-9 * (1.0 + a.abs().max(b.abs())), "{a} is not {b}");
}

fn same(found: &Answer, expected: &Result<Estimate, NotEstimable>) {
    match (found.estimate(), expected) {
        (Some(a), Ok(e)) => {
            close(a.point, e.point);
            close(a.se, e.se);
            close(a.low, e.low);
            close(a.high, e.high);
            assert_eq!(a.n, e.n);
        }
        (None, Err(e)) => assert_eq!(found.refusal().unwrap().reason, e.reason),
        (found, expected) => panic!("{found:?} is not {expected:?}"),
    }
}

fn of<'a>(readout: &'a Readout, metric: &str) -> &'a MetricReadout {
    readout.metrics.iter().find(|m| m.metric == metric).unwrap()
}

/// A project whose experiment compares these metrics without covariates.
fn asking(metrics: Vec<Metric>, change: impl FnOnce(&mut Experiment)) -> Project {
    let mut p = project();
    let names: Vec<String> = metrics.iter().map(|m| m.meta.name.clone()).collect();
    for metric in metrics {
        p.metrics.insert(metric.meta.name.clone(), metric);
    }
    edit(&mut p, |e| {
        e.primary = names;
        e.secondary.clear();
        e.guardrails.clear();
        e.cuped_days = 0;
        e.breakdowns.clear();
        change(e);
    });
    p
}

async fn read(place: Place, shop: &Shop, p: Project, options: ReadoutOptions) -> Readout {
    let ground = place.open(shop, p).await;
    readout(&ground.context, "checkout", &options).await.unwrap()
}

fn through(name: &str, measure: &str, steps: &[(&str, Option<u64>)], window: Option<u64>) -> Metric {
    let mut metric = simple(name, measure);
    metric.experiment.funnel = Some(Funnel {
        steps: steps
            .iter()
            .map(|(metric, within)| FunnelStep {
                metric: (*metric).into(),
                within_seconds: *within,
            })
            .collect(),
        window_seconds: window,
    });
    metric
}

/// The furthest step of each user, by trying every chain of its events.
fn furthest(
    events: &[Vec<(u64, i64)>],
    users: &[User],
    within: &[Option<i64>],
    window: Option<i64>,
    span: i64,
) -> BTreeMap<u64, usize> {
    let mut of: BTreeMap<u64, Vec<Vec<i64>>> = BTreeMap::new();
    for user in users {
        let mine = |all: &Vec<(u64, i64)>| -> Vec<i64> {
            let of_user = all
                .iter()
                .filter(|(u, at)| *u == user.id && *at >= user.exposed && *at < user.exposed + span);
            of_user.map(|(_, at)| *at).collect()
        };
        of.insert(user.id, events.iter().map(mine).collect());
    }
    fn go(
        steps: &[Vec<i64>],
        at: usize,
        before: i64,
        start: i64,
        within: &[Option<i64>],
        window: Option<i64>,
    ) -> usize {
        let Some(events) = steps.get(at) else { return at };
        let next = events.iter().filter(|t| {
            **t >= before && within[at].is_none_or(|w| **t - before <= w) && window.is_none_or(|w| **t - start <= w)
        });
        next.map(|t| go(steps, at + 1, *t, start, within, window))
            .max()
            .unwrap_or(at)
    }
    of.into_iter()
        .map(|(user, steps)| {
            let starts = steps[0].iter().map(|t| go(&steps, 1, *t, *t, within, window));
            (user, starts.max().unwrap_or(0))
        })
        .collect()
}

async fn a_funnel_counts_units_by_the_furthest_step(place: Place) {
    let shop = Shop::new(1200);
    let sessions: Vec<(u64, i64)> = shop.sessions.iter().map(|s| (s.user, s.at)).collect();
    let orders: Vec<(u64, i64)> = shop.orders.iter().map(|o| (o.user, o.at)).collect();
    let large: Vec<(u64, i64)> = shop
        .orders
        .iter()
        .filter(|o| o.cents >= 2500)
        .map(|o| (o.user, o.at))
        .collect();
    let hour = 3600;
    for (within, window) in [
        ([None, None], None),
        ([Some(30 * hour), None], None),
        ([None, Some(12 * hour)], Some(40 * hour)),
    ] {
        let mut last = through(
            "large",
            "orders",
            &[("sessions", None), ("orders", within[0]), ("large", within[1])],
            window,
        );
        last.filter = Some("amount_cents >= 2500".into());
        let p = asking(vec![last], |e| e.window_seconds = Some(5 * 86_400));
        let found = read(place, &shop, p, ReadoutOptions::default()).await;
        let seconds = |s: u64| s as i64 * SECOND;
        let reached = furthest(
            &[sessions.clone(), orders.clone(), large.clone()],
            &shop.users,
            &[None, within[0].map(seconds), within[1].map(seconds)],
            window.map(seconds),
            5 * DAY,
        );
        let arm = |variant: &str| {
            let mut all = Moments::empty(3);
            for u in shop.users.iter().filter(|u| u.variant == variant) {
                all.push(&[1, 2, 3].map(|step| f64::from(u8::from(reached[&u.id] >= step))));
            }
            all
        };
        let (c, t) = (arm("control"), arm("treatment"));
        let expected = funnel::funnel(&c, &t, 0.95).unwrap();
        let metric = of(&found, "large");
        same(&metric.absolute, &expected[2].overall.absolute);
        assert_eq!(metric.statistic, "proportion");
        assert_eq!(metric.funnel.len(), 3);
        for (i, (step, e)) in metric.funnel.iter().zip(&expected).enumerate() {
            assert_eq!(step.units, [c.sum(i).round() as u64, t.sum(i).round() as u64]);
            assert!(step.units[0] > 20, "{step:?}");
            same(&step.of_units.absolute, &e.overall.absolute);
            // Fieller's interval where the control is noisy, about the same point.
            close(
                step.of_units.relative.estimate().unwrap().point,
                e.overall.relative.as_ref().unwrap().point,
            );
            if let Some(previous) = &e.from_previous {
                same(&step.of_previous.as_ref().unwrap().absolute, &previous.absolute);
            }
        }
        assert!(metric.funnel[0].of_previous.is_none());
        assert_eq!(metric.funnel[1].metric, "orders");
    }
}

async fn a_conversion_metric_counts_what_followed_its_base(place: Place) {
    let shop = Shop::new(900);
    let converting = |name: &str, calculation: &str| {
        let input = |name: &str| MeasureInput {
            name: name.into(),
            ..MeasureInput::default()
        };
        let shape = MetricShape::Conversion {
            entity: "user".into(),
            base: input("sessions"),
            conversion: input("orders"),
            window: Some(TimeWindow {
                count: 2,
                granularity: "days".into(),
            }),
            calculation: calculation.into(),
            constant_properties: Vec::new(),
        };
        Metric {
            shape,
            ..simple(name, calculation)
        }
    };
    let mut elsewhere = converting("elsewhere", "conversion_rate");
    if let MetricShape::Conversion { entity, .. } = &mut elsewhere.shape {
        *entity = "session".into();
    }
    let p = asking(
        vec![
            converting("rate", "conversion_rate"),
            converting("followed", "conversions"),
            elsewhere,
        ],
        |e| {
            e.window_seconds = Some(6 * 86_400);
            e.cuped_days = 7;
        },
    );
    let found = read(place, &shop, p, ReadoutOptions::default()).await;
    let counts = |u: &User, from: i64, to: i64| {
        let inside = |at: i64| at >= u.exposed + from && at < u.exposed + to;
        let base: Vec<i64> = shop
            .sessions
            .iter()
            .filter(|s| s.user == u.id && inside(s.at))
            .map(|s| s.at)
            .collect();
        let followed = shop
            .orders
            .iter()
            .filter(|o| o.user == u.id && inside(o.at) && base.iter().any(|b| *b <= o.at && o.at < b + 2 * DAY));
        [followed.count() as f64, base.len() as f64]
    };
    let arm = |variant: &str| {
        let mut all = Moments::empty(4);
        for u in shop.users.iter().filter(|u| u.variant == variant) {
            let (after, before) = (counts(u, 0, 6 * DAY), counts(u, -7 * DAY, 0));
            all.push(&[after[0], after[1], before[0], before[1]]);
        }
        all
    };
    let (c, t) = (arm("control"), arm("treatment"));
    let expected = |statistic, covariates: &[usize]| {
        let comparison = Comparison {
            statistic,
            covariates: covariates.to_vec(),
            level: 0.95,
        };
        lift(&c, &t, &comparison)
    };
    let ratio = expected(
        Statistic::Ratio {
            numerator: 0,
            denominator: 1,
        },
        &[2, 3],
    );
    same(&of(&found, "rate").absolute, &ratio.absolute);
    same(
        &of(&found, "followed").absolute,
        &expected(Statistic::Mean { y: 0 }, &[2]).absolute,
    );
    let refused = of(&found, "elsewhere").not_estimable.as_ref().unwrap();
    assert!(refused.detail.contains("follows the entity \"session\""), "{refused:?}");
}

/// By the delta method where the control is known to 5%, else by Fieller's theorem of independent arms.
fn relative(found: &Answer, expected: &quantile::QuantileLift) {
    let Ok(control) = &expected.control else {
        assert!(found.refusal().is_some());
        return;
    };
    let (treatment, absolute) = (
        expected.treatment.as_ref().unwrap(),
        expected.absolute.as_ref().unwrap(),
    );
    let delta = expected.relative.as_ref().unwrap();
    let excludes = |e: &Estimate| e.low > 0.0 || e.high < 0.0;
    if control.se > 0.05 * control.point || excludes(absolute) != excludes(delta) {
        same(found, &of_arms(control, treatment, None, None, Sides::Two));
    } else {
        same(found, &expected.relative);
    }
}

async fn quantiles_of_units_and_of_events(place: Place) {
    let shop = Shop::new(2500);
    let quantile = |name: &str, measure: &str, at: f64, ignore_zeros: bool| {
        let mut metric = simple(name, measure);
        metric.experiment.quantile = Some(Quantile { at, ignore_zeros });
        metric
    };
    let mut p = asking(
        vec![
            quantile("p90", "revenue", 0.9, false),
            quantile("typical", "revenue", 0.5, true),
            quantile("heap", "revenue", 0.2, false),
            simple("order_p75", "order_p75"),
            simple("revenue", "revenue"),
        ],
        |_| {},
    );
    let mut percentile = measure("order_p75", Aggregation::Percentile, "amount_cents");
    percentile.percentile = Some(0.75);
    p.semantic_models.get_mut("orders").unwrap().measures.push(percentile);
    let options = ReadoutOptions {
        quantiles: vec!["revenue".into()],
        ..ReadoutOptions::default()
    };
    let found = read(place, &shop, p, options).await;
    let sums = per_user(
        &shop,
        shop.orders.iter().map(|o| (o.user, o.at, o.cents as f64)),
        0,
        3 * DAY,
    );
    let units = |variant: &str, zeros: bool| -> Vec<f64> {
        let mine = shop.users.iter().filter(|u| u.variant == variant).map(|u| sums[&u.id]);
        mine.filter(|v| zeros || *v != 0.0).collect()
    };
    let compare = |q: f64, zeros: bool| {
        quantile::difference(
            &units("control", zeros),
            &units("treatment", zeros),
            q,
            0.95,
            Error::Woodruff,
        )
    };
    for (metric, q, zeros) in [("p90", 0.9, true), ("typical", 0.5, false), ("heap", 0.2, true)] {
        let expected = compare(q, zeros);
        let metric = of(&found, metric);
        same(&metric.absolute, &expected.absolute);
        relative(&metric.relative, &expected);
        same(&metric.control_value, &expected.control);
        same(&metric.variant_value, &expected.treatment);
        assert_eq!(metric.statistic, "quantile");
    }
    assert_eq!(
        of(&found, "heap").not_estimable.as_ref().unwrap().reason,
        Reason::ZeroVariance
    );
    assert!(of(&found, "p90").absolute.estimate().unwrap().point > 0.0);

    let exposed: BTreeMap<u64, &User> = shop.users.iter().map(|u| (u.id, u)).collect();
    let events = |variant: &str| -> (Vec<f64>, Vec<u64>) {
        let mine = shop.orders.iter().filter(|o| {
            let u = exposed[&o.user];
            u.variant == variant && o.at >= u.exposed && o.at < u.exposed + 3 * DAY
        });
        mine.map(|o| (o.cents as f64, o.user)).unzip()
    };
    let (c, t) = (events("control"), events("treatment"));
    let (c, t) = (
        Events {
            values: &c.0,
            units: &c.1,
        },
        Events {
            values: &t.0,
            units: &t.1,
        },
    );
    let expected = |q: f64| quantile::difference_of_events(c, t, q, 0.95);
    same(&of(&found, "order_p75").absolute, &expected(0.75).absolute);
    relative(&of(&found, "order_p75").relative, &expected(0.75));

    let curve = |metric: &str| found.quantiles.iter().find(|c| c.metric == metric).unwrap();
    assert_eq!(found.quantiles.len(), 5);
    assert_eq!(curve("order_p75").of, "events");
    for point in &curve("order_p75").points {
        same(&point.lift.absolute, &expected(point.at).absolute);
    }
    assert!(curve("order_p75").points.iter().any(|p| p.at == 0.75));
    for point in &curve("revenue").points {
        same(&point.lift.absolute, &compare(point.at, true).absolute);
    }
    assert!(
        curve("typical").ignore_zeros
            && curve("typical")
                .points
                .iter()
                .all(|p| p.lift.absolute.estimate().is_some())
    );
    // One query more for units, three for events.
    let ran = |label: &str| {
        found
            .provenance
            .queries
            .iter()
            .filter(|q| q.label.ends_with(label))
            .count()
    };
    assert_eq!(ran("of p90"), 1);
    assert_eq!(ran("of order_p75"), 3);
}

/// Warehouses that are not at hand: at least every query can be written for them.
#[tokio::test]
async fn queries_are_written_in_every_dialect() {
    let mut large = through(
        "large",
        "orders",
        &[("sessions", None), ("large", Some(3600))],
        Some(86_400),
    );
    large.filter = Some("amount_cents >= 2500".into());
    let mut p90 = simple("p90", "revenue");
    p90.experiment.quantile = Some(Quantile {
        at: 0.9,
        ignore_zeros: false,
    });
    let mut p = asking(
        vec![large, p90, simple("middle", "middle"), simple("revenue", "revenue")],
        |e| {
            e.window_seconds = Some(7 * 86_400);
            e.adjust = Some(Adjustment {
                covariates: vec![Covariate::Metric {
                    metric: "sessions".into(),
                    before_seconds: 86_400,
                }],
                strata: vec!["user__country".into()],
                variance: RobustVariance::Hc2,
            });
        },
    );
    let middle = measure("middle", Aggregation::Median, "amount_cents");
    p.semantic_models.get_mut("orders").unwrap().measures.push(middle);
    let mut ground = Place::Embedded.open(&Shop::new(300), p).await;
    let recording = Arc::new(Recording {
        engine: ground.context.engine.clone(),
        ran: Mutex::default(),
    });
    ground.context.engine = recording.clone();
    let found = readout(&ground.context, "checkout", &ReadoutOptions::default())
        .await
        .unwrap();
    let labels: Vec<&str> = found.provenance.queries.iter().map(|q| q.label.as_str()).collect();
    for wanted in [
        "of p90",
        "of middle",
        "covariates",
        "variance of adjusted lifts",
        "by time since exposure",
    ] {
        assert!(labels.iter().any(|l| l.ends_with(wanted)), "{wanted}: {labels:?}");
    }
    let everywhere = [
        Dialect::DataFusion,
        Dialect::Postgres,
        Dialect::Spark,
        Dialect::Snowflake,
        Dialect::BigQuery,
        Dialect::Redshift,
    ];
    let ran = recording.ran.lock().unwrap().clone();
    assert!(ran.len() >= found.provenance.queries.len());
    for query in &ran {
        for dialect in everywhere {
            let written = recording.engine.write(query, dialect).await;
            assert!(written.is_ok(), "{} in {dialect:?}: {written:?}", query.label);
        }
    }
}

/// An engine that remembers what it ran.
struct Recording {
    engine: Arc<dyn Engine>,
    ran: Mutex<Vec<Query>>,
}

impl Engine for Recording {
    fn name(&self) -> &'static str {
        self.engine.name()
    }

    fn dialect(&self) -> Dialect {
        self.engine.dialect()
    }

    fn register<'a>(&'a self, table: &'a TableSource) -> BoxFuture<'a, Result<SchemaRef, EngineError>> {
        self.engine.register(table)
    }

    fn plan<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<SchemaRef, EngineError>> {
        self.engine.plan(query)
    }

    fn write<'a>(&'a self, query: &'a Query, dialect: Dialect) -> BoxFuture<'a, Result<String, EngineError>> {
        self.engine.write(query, dialect)
    }

    fn run<'a>(&'a self, query: &'a Query, control: &'a RunControl) -> BoxFuture<'a, Result<Rows, EngineError>> {
        self.ran.lock().unwrap().push(query.clone());
        self.engine.run(query, control)
    }

    fn snapshot<'a>(&'a self, table: &'a str) -> BoxFuture<'a, Result<Snapshot, EngineError>> {
        self.engine.snapshot(table)
    }

    fn facts<'a>(&'a self, table: &'a str) -> BoxFuture<'a, Result<TableFacts, EngineError>> {
        self.engine.facts(table)
    }
}

on_both_engines!(
    a_funnel_counts_units_by_the_furthest_step,
    a_conversion_metric_counts_what_followed_its_base,
    quantiles_of_units_and_of_events,
);
