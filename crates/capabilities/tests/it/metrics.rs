//! The semantic layer's answers equal hand-written SQL on the same data.

use std::fmt::Write as _;
use std::path::Path;

use steward_capabilities::metrics::{self, MetricRequest, MetricTable};
use steward_capabilities::{CapabilityError, Context};
use steward_compute::{Query, Value};
use steward_definitions::*;

use crate::places::Place;
use crate::shop::{self, Ground, dataset, dimension, entity, measure, model, ratio, simple, uniform};

const ZONE: &str = "Europe/Berlin";

/// Visits and orders from 10 March to 12 April 2025 (over the change to summer time), three countries, balances.
fn write(folder: &Path) {
    let data = folder.join("data");
    std::fs::create_dir_all(&data).unwrap();
    let mut users = String::from("user_id,country,region_id\n");
    for id in 0..40u64 {
        let country = ["DE", "FR", "ES"][(id % 3) as usize];
        let _ = writeln!(users, "{id},{country},{}", id % 3);
    }
    let mut visits = String::from("visit_id,user_id,ts,device\n");
    let mut orders = String::from("order_id,user_id,ts,amount_cents,status\n");
    let start = shop::START + 9 * shop::DAY;
    for i in 0..900u64 {
        let at = start + (uniform(11, i) * 33.0 * 86_400.0) as i64 * shop::SECOND;
        let user = (uniform(12, i) * 40.0) as u64;
        let device = if uniform(13, i) < 0.5 { "mobile" } else { "desktop" };
        let _ = writeln!(visits, "{i},{user},{},{device}", shop::time(at));
        // No order from 20 to 22 March: missing periods.
        let day = (at - shop::START) / shop::DAY;
        if uniform(14, i) < 0.4 && !(19..22).contains(&day) {
            let later = at + (uniform(15, i) * 5.0 * 86_400.0) as i64 * shop::SECOND;
            let later_day = (later - shop::START) / shop::DAY;
            if !(19..22).contains(&later_day) {
                let status = if uniform(16, i) < 0.8 { "paid" } else { "refunded" };
                let cents = 100 + (uniform(17, i) * 9_000.0) as i64;
                let _ = writeln!(orders, "{i},{user},{},{cents},{status}", shop::time(later));
            }
        }
    }
    let mut balances = String::from("account_id,day,balance_cents\n");
    for account in 0..5 {
        for day in 0..20 {
            let _ = writeln!(
                balances,
                "{account},2025-03-{:02},{}",
                day + 1,
                account * 1000 + day * 10
            );
        }
    }
    for (name, text) in [
        ("users", users),
        ("visits", visits),
        ("orders", orders),
        ("balances", balances),
    ] {
        std::fs::write(data.join(format!("{name}.csv")), text).unwrap();
    }
    std::fs::write(data.join("regions.csv"), "region_id,area\n0,north\n1,south\n2,south\n").unwrap();
}

fn window(count: u32, granularity: &str) -> TimeWindow {
    TimeWindow {
        count,
        granularity: granularity.into(),
    }
}

fn project() -> Project {
    let mut p = Project::default();
    p.settings.time_zone = "UTC".into();
    for d in [
        dataset(
            "users",
            &[("user_id", "integer"), ("country", "string"), ("region_id", "integer")],
        ),
        dataset("regions", &[("region_id", "integer"), ("area", "string")]),
        dataset(
            "visits",
            &[
                ("visit_id", "integer"),
                ("user_id", "integer"),
                ("ts", "timestamp"),
                ("device", "string"),
            ],
        ),
        dataset(
            "orders",
            &[
                ("order_id", "integer"),
                ("user_id", "integer"),
                ("ts", "timestamp"),
                ("amount_cents", "integer"),
                ("status", "string"),
            ],
        ),
        dataset(
            "balances",
            &[("account_id", "integer"), ("day", "date"), ("balance_cents", "integer")],
        ),
    ] {
        p.datasets.insert(d.meta.name.clone(), d);
    }
    let user = || entity("user", EntityType::Foreign, "user_id");
    let mut held = measure("held", Aggregation::Sum, "balance_cents");
    held.non_additive = Some(NonAdditive {
        dimension: "day".into(),
        window_choice: "max".into(),
        window_groupings: vec!["account".into()],
    });
    let mut p90 = measure("amount_p90", Aggregation::Percentile, "amount_cents");
    p90.percentile = Some(0.9);
    for m in [
        model(
            "users",
            None,
            vec![
                entity("user", EntityType::Primary, "user_id"),
                entity("region", EntityType::Foreign, "region_id"),
            ],
            vec![dimension("country", None)],
            vec![],
        ),
        model(
            "regions",
            None,
            vec![entity("region", EntityType::Primary, "region_id")],
            vec![dimension("area", None)],
            vec![],
        ),
        model(
            "visits",
            Some("ts"),
            vec![entity("visit", EntityType::Primary, "visit_id"), user()],
            vec![dimension("ts", Some("second")), dimension("device", None)],
            vec![
                measure("visits", Aggregation::Count, "visit_id"),
                measure("visitors", Aggregation::CountDistinct, "user_id"),
            ],
        ),
        model(
            "orders",
            Some("ts"),
            vec![entity("order", EntityType::Primary, "order_id"), user()],
            vec![dimension("ts", Some("second")), dimension("status", None)],
            vec![
                measure("revenue", Aggregation::Sum, "amount_cents"),
                measure("orders", Aggregation::Count, "order_id"),
                measure("mean_amount", Aggregation::Average, "amount_cents"),
                measure("largest", Aggregation::Max, "amount_cents"),
                measure("refunds", Aggregation::SumBoolean, "status = 'refunded'"),
                p90,
            ],
        ),
        model(
            "balances",
            Some("day"),
            vec![entity("account", EntityType::Foreign, "account_id")],
            vec![dimension("day", Some("day"))],
            vec![held],
        ),
    ] {
        p.semantic_models.insert(m.meta.name.clone(), m);
    }
    let mut paid = simple("paid_revenue", "revenue");
    paid.filter = Some("order__status = 'paid'".into());
    let mut paid_orders = simple("paid_orders", "orders");
    paid_orders.filter = Some("order__status = 'paid'".into());
    let mut filled = simple("orders_filled", "orders");
    filled.shape = MetricShape::Simple {
        measure: MeasureInput {
            name: "orders".into(),
            fill_nulls_with: Some(0.0),
            join_to_timespine: true,
            ..MeasureInput::default()
        },
    };
    let input = |name: &str, alias: &str| MetricInput {
        name: name.into(),
        alias: Some(alias.into()),
        ..MetricInput::default()
    };
    let mut growth = simple("growth", "growth");
    growth.shape = MetricShape::Derived {
        expr: "(now_cents - before_cents) / before_cents".into(),
        inputs: vec![
            input("revenue", "now_cents"),
            MetricInput {
                offset_window: Some(window(1, "week")),
                ..input("revenue", "before_cents")
            },
        ],
    };
    let mut kept = simple("kept", "kept");
    kept.shape = MetricShape::Derived {
        expr: "r - p * 2".into(),
        inputs: vec![input("revenue", "r"), input("paid_revenue", "p")],
    };
    let cumulative = |name: &str, measure: &str, w: Option<TimeWindow>, grain: Option<&str>| {
        let mut m = simple(name, measure);
        m.shape = MetricShape::Cumulative {
            measure: MeasureInput {
                name: measure.into(),
                ..MeasureInput::default()
            },
            window: w,
            grain_to_date: grain.map(Into::into),
        };
        m
    };
    let mut conversion = simple("visit_to_order", "visits");
    conversion.shape = MetricShape::Conversion {
        entity: "user".into(),
        base: MeasureInput {
            name: "visits".into(),
            ..MeasureInput::default()
        },
        conversion: MeasureInput {
            name: "orders".into(),
            ..MeasureInput::default()
        },
        window: Some(window(3, "day")),
        calculation: "conversion_rate".into(),
        constant_properties: vec![],
    };
    for m in [
        simple("revenue", "revenue"),
        simple("orders", "orders"),
        simple("visits", "visits"),
        simple("visitors", "visitors"),
        simple("mean_amount", "mean_amount"),
        simple("largest", "largest"),
        simple("refunds", "refunds"),
        simple("amount_p90", "amount_p90"),
        simple("held", "held"),
        paid,
        paid_orders,
        filled,
        growth,
        kept,
        conversion,
        ratio("orders_per_visit", "orders", "visits"),
        ratio("paid_share", "paid_orders", "orders"),
        cumulative("revenue_7d", "revenue", Some(window(7, "days")), None),
        cumulative("revenue_mtd", "revenue", None, Some("month")),
        cumulative("revenue_ever", "revenue", None, None),
        cumulative("visitors_7d", "visitors", Some(window(7, "day")), None),
    ] {
        p.metrics.insert(m.meta.name.clone(), m);
    }
    p
}

async fn ground(place: Place) -> Ground {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    place.over(folder, project()).await
}

fn ask(metrics: &[&str], by: &[&str]) -> MetricRequest {
    MetricRequest {
        metrics: metrics.iter().map(|m| (*m).into()).collect(),
        by: by.iter().map(|m| (*m).into()).collect(),
        ..MetricRequest::default()
    }
}

async fn sql(context: &Context, sql: &str) -> Vec<Vec<Value>> {
    let query = Query {
        label: "by hand".into(),
        sql: sql.into(),
        parameters: vec![],
    };
    let rows = context.engine.run(&query, &context.control).await.unwrap();
    let mut all = vec![Vec::new(); rows.len()];
    for column in rows.columns() {
        for (row, value) in all.iter_mut().zip(rows.values(column).unwrap()) {
            row.push(value);
        }
    }
    all
}

fn same(answer: &MetricTable, by_hand: &[Vec<Value>]) {
    assert_eq!(
        answer.rows.len(),
        by_hand.len(),
        "{}\n{:?}\n{by_hand:?}",
        answer.sql,
        answer.rows
    );
    assert!(!by_hand.is_empty());
    for (a, b) in answer.rows.iter().zip(by_hand) {
        let equal = a.iter().zip(b).all(|(a, b)| match (a, b) {
            (Value::Number(x), Value::Number(y)) => (x - y).abs() <= 1e-12 * y.abs().max(1.0),
            _ => a == b,
        });
        assert!(equal && a.len() == b.len(), "{}\n{a:?}\n{b:?}", answer.sql);
    }
}

async fn check(ground: &Ground, request: &MetricRequest, by_hand: &str) {
    let answer = metrics::query(&ground.context, request).await.unwrap();
    same(&answer, &sql(&ground.by_hand, by_hand).await);
}

async fn simple_metrics_of_one_model_come_from_one_scan(place: Place) {
    let g = ground(place).await;
    let request = ask(
        &["revenue", "orders", "mean_amount", "largest", "refunds", "amount_p90"],
        &["order__status"],
    );
    check(
        &g,
        &request,
        "SELECT status, SUM(amount_cents), COUNT(*), AVG(CAST(amount_cents AS DOUBLE)), MAX(amount_cents), \
         SUM(CASE WHEN status = 'refunded' THEN 1 ELSE 0 END), \
         percentile_cont(0.9) WITHIN GROUP (ORDER BY CAST(amount_cents AS DOUBLE)) FROM orders GROUP BY 1 ORDER BY 1",
    )
    .await;
    let text = metrics::compile(&g.context, &request).await.unwrap();
    assert_eq!(text.matches("FROM \"orders\"").count(), 1, "{text}");
    let total = metrics::query(&g.context, &ask(&["revenue"], &[])).await.unwrap();
    assert!(matches!(total.rows[0][0], Value::Integer(_)), "cents stay integers");
}

async fn joins_go_through_entities_over_several_hops(place: Place) {
    let g = ground(place).await;
    check(
        &g,
        &ask(&["revenue"], &["user__country"]),
        "SELECT u.country, SUM(o.amount_cents) FROM orders o LEFT JOIN users u ON o.user_id = u.user_id GROUP BY 1 ORDER BY 1",
    )
    .await;
    let mut request = ask(&["revenue", "visits"], &["region__area"]);
    request.filter = Some("user__country in ('DE', 'FR')".into());
    check(
        &g,
        &request,
        "WITH o AS (SELECT r.area, SUM(amount_cents) v FROM orders JOIN users USING (user_id) JOIN regions r USING (region_id) \
          WHERE country IN ('DE', 'FR') GROUP BY 1), \
         v AS (SELECT r.area, COUNT(*) v FROM visits JOIN users USING (user_id) JOIN regions r USING (region_id) \
          WHERE country IN ('DE', 'FR') GROUP BY 1) \
         SELECT o.area, o.v, v.v AS visits FROM o JOIN v ON o.area = v.area ORDER BY 1",
    )
    .await;
}

async fn ratios_and_filters_of_metrics(place: Place) {
    let g = ground(place).await;
    check(
        &g,
        &ask(&["orders_per_visit", "paid_share", "paid_revenue", "kept"], &["time:week"]),
        "WITH o AS (SELECT CAST(date_trunc('week', ts) AS DATE) w, COUNT(*) n, COUNT(CASE WHEN status = 'paid' THEN 1 END) p, \
          SUM(CASE WHEN status = 'paid' THEN amount_cents END) r, SUM(amount_cents) t FROM orders GROUP BY 1), \
         v AS (SELECT CAST(date_trunc('week', ts) AS DATE) w, COUNT(*) n FROM visits GROUP BY 1) \
         SELECT COALESCE(v.w, o.w) w, COALESCE(o.n, 0) * 1.0 / v.n, p * 1.0 / o.n, r, t - r * 2 FROM v FULL JOIN o ON v.w = o.w ORDER BY 1",
    )
    .await;
}

async fn days_are_those_of_the_time_zone_also_when_clocks_change(place: Place) {
    let g = ground(place).await;
    let mut request = ask(&["visits"], &["time:day"]);
    request.time_zone = Some(ZONE.into());
    // Summer time began on 30 March 2025 at 1:00 UTC.
    let local =
        "ts + CASE WHEN ts < TIMESTAMP '2025-03-30 01:00:00' THEN INTERVAL '1 hour' ELSE INTERVAL '2 hours' END";
    check(
        &g,
        &request,
        &format!("SELECT CAST({local} AS DATE), COUNT(*) FROM visits GROUP BY 1 ORDER BY 1"),
    )
    .await;
    request.by = vec!["time:month".into()];
    request.from = Some("2025-03-30".into());
    request.to = Some("2025-03-30".into());
    let one_day = metrics::query(&g.context, &request).await.unwrap();
    let by_hand = sql(
        &g.by_hand,
        "SELECT COUNT(*) FROM visits WHERE ts >= TIMESTAMP '2025-03-29 23:00:00' AND ts < TIMESTAMP '2025-03-30 22:00:00'",
    )
    .await;
    assert_eq!(one_day.rows[0][1], by_hand[0][0]);
    request.time_zone = Some("Europe/Atlantis".into());
    assert!(metrics::query(&g.context, &request).await.is_err());
}

async fn missing_periods_are_shown_when_asked(place: Place) {
    let g = ground(place).await;
    let mut request = ask(&["orders"], &["time:day"]);
    request.from = Some("2025-03-15".into());
    request.to = Some("2025-03-25".into());
    let sparse = metrics::query(&g.context, &request).await.unwrap();
    assert_eq!(sparse.rows.len(), 8);
    request.fill = true;
    let full = metrics::query(&g.context, &request).await.unwrap();
    assert_eq!(full.rows.len(), 11);
    assert_eq!(full.rows.iter().filter(|r| r[1] == Value::Null).count(), 3);
    request.fill = false;
    request.metrics = vec!["orders_filled".into()];
    let zeros = metrics::query(&g.context, &request).await.unwrap();
    assert_eq!(zeros.rows.iter().filter(|r| r[1] == Value::Integer(0)).count(), 3);
    request.by.push("user__country".into());
    assert_eq!(metrics::query(&g.context, &request).await.unwrap().rows.len(), 33);
}

async fn offsets_compare_with_the_period_before(place: Place) {
    let g = ground(place).await;
    check(
        &g,
        &ask(&["growth"], &["time:week"]),
        "WITH o AS (SELECT CAST(date_trunc('week', ts) AS DATE) w, SUM(amount_cents) r FROM orders GROUP BY 1) \
         SELECT a.w, CAST(a.r - b.r AS DOUBLE) / b.r FROM o a LEFT JOIN o b ON b.w = a.w - INTERVAL '7 days' ORDER BY 1",
    )
    .await;
}

async fn cumulative_metrics_trail_reset_or_run_on(place: Place) {
    let g = ground(place).await;
    let days = "SELECT CAST(ts AS DATE) d, SUM(amount_cents) r FROM orders GROUP BY 1";
    let spine = "SELECT DISTINCT CAST(ts AS DATE) d FROM visits WHERE ts >= TIMESTAMP '2025-03-12' AND ts < TIMESTAMP '2025-04-06'";
    let mut request = ask(&["revenue_7d", "revenue_mtd", "revenue_ever"], &["time:day"]);
    request.from = Some("2025-03-12".into());
    request.to = Some("2025-04-05".into());
    check(
        &g,
        &request,
        &format!(
            "WITH o AS ({days}), s AS ({spine}) SELECT s.d, \
             SUM(CASE WHEN o.d > s.d - INTERVAL '7 days' THEN r END), \
             SUM(CASE WHEN o.d >= date_trunc('month', s.d) THEN r END), SUM(r) \
             FROM s JOIN o ON o.d <= s.d GROUP BY s.d ORDER BY 1"
        ),
    )
    .await;
    request.metrics = vec!["visitors_7d".into()];
    request.by.push("user__country".into());
    check(
        &g,
        &request,
        &format!(
            "WITH s AS ({spine}) SELECT * FROM (SELECT s.d, u.country, COUNT(DISTINCT v.user_id) AS n FROM s \
             JOIN visits v ON CAST(v.ts AS DATE) <= s.d AND CAST(v.ts AS DATE) > s.d - INTERVAL '7 days' \
             JOIN users u ON u.user_id = v.user_id GROUP BY 1, 2) AS a ORDER BY a.d, a.country"
        ),
    )
    .await;
}

async fn conversions_count_for_the_latest_visit_before(place: Place) {
    let g = ground(place).await;
    check(
        &g,
        &ask(&["visit_to_order"], &["visit__device"]),
        "WITH a AS (SELECT o.order_id, v.device, ROW_NUMBER() OVER (PARTITION BY o.order_id ORDER BY v.ts DESC) n \
          FROM orders o JOIN visits v ON o.user_id = v.user_id AND v.ts <= o.ts AND o.ts < v.ts + INTERVAL '3 days'), \
         c AS (SELECT device, COUNT(*) k FROM a WHERE n = 1 GROUP BY 1), b AS (SELECT device, COUNT(*) k FROM visits GROUP BY 1) \
         SELECT b.device, CAST(c.k AS DOUBLE) / b.k FROM b JOIN c ON b.device = c.device ORDER BY 1",
    )
    .await;
}

async fn balances_are_taken_at_the_end(place: Place) {
    let g = ground(place).await;
    let answer = metrics::query(&g.context, &ask(&["held"], &["time:week"]))
        .await
        .unwrap();
    // Last day of each week: 2, 9, 16 and 20 March; five accounts of (1000 × account + 10 × (day − 1)).
    let ends = [1, 8, 15, 19];
    let wanted: Vec<Value> = ends.iter().map(|d| Value::Integer(10_000 + 5 * 10 * d)).collect();
    assert_eq!(
        answer.rows.iter().map(|r| r[1].clone()).collect::<Vec<_>>(),
        wanted,
        "{}",
        answer.sql
    );
}

async fn joins_that_repeat_rows_or_go_two_ways_are_refused_with_their_paths(place: Place) {
    let g = ground(place).await;
    let refused = |e: CapabilityError| e.to_string();
    let fan = metrics::query(&g.context, &ask(&["visits"], &["user__status"]))
        .await
        .map(|_| ())
        .map_err(refused)
        .unwrap_err();
    assert!(
        fan.contains("visits → (user) → orders") && fan.contains("many rows per user"),
        "{fan}"
    );
    let mut two = project();
    let mut accounts = model(
        "accounts",
        None,
        vec![entity("user", EntityType::Primary, "user_id")],
        vec![dimension("country", None)],
        vec![],
    );
    accounts.dataset = "users".into();
    two.semantic_models.insert("accounts".into(), accounts);
    let two = g.with(two);
    let ambiguous = metrics::query(&two, &ask(&["visits"], &["user__country"]))
        .await
        .map(|_| ())
        .map_err(refused)
        .unwrap_err();
    assert!(
        ambiguous.contains("(user) → accounts") && ambiguous.contains("(user) → users"),
        "{ambiguous}"
    );
    let mut wrong = project();
    wrong.semantic_models.get_mut("users").unwrap().entities[0].expr = "region_id".into();
    let repeats = metrics::query(&g.with(wrong), &ask(&["visits"], &["user__country"]))
        .await
        .map(|_| ())
        .map_err(refused)
        .unwrap_err();
    assert!(repeats.contains("repeats in 37 row"), "{repeats}");
    let near = metrics::query(&g.context, &ask(&["revenu"], &[]))
        .await
        .map(|_| ())
        .map_err(refused)
        .unwrap_err();
    assert!(near.contains("did you mean \"revenue\""), "{near}");
}

async fn filters_cannot_leave_their_place(place: Place) {
    let g = ground(place).await;
    for bad in [
        "1 = 1) OR (1 = 1",
        "user__country = 'DE'; DROP TABLE users",
        "user__country in (select country from users)",
    ] {
        let mut request = ask(&["visits"], &[]);
        request.filter = Some(bad.into());
        assert!(metrics::query(&g.context, &request).await.is_err(), "{bad}");
    }
    assert!(
        metrics::sql_query(&g.context, "select * from users limit 3", None)
            .await
            .unwrap()
            .rows
            .len()
            == 3
    );
    assert_eq!(
        metrics::sql_query(&g.context, "select * from users order by user_id", Some(2))
            .await
            .unwrap()
            .rows
            .len(),
        2
    );
    for bad in [
        "drop table users",
        "select 1; select 2",
        "select * from information_schema.tables",
        "select * from userz",
        "copy users to 'x'",
    ] {
        assert!(metrics::sql_query(&g.context, bad, None).await.is_err(), "{bad}");
    }
}

#[test]
fn the_catalogue_tells_dimensions_and_uses() {
    let all = metrics::catalogue(&project());
    let revenue = all.iter().find(|m| m.name == "revenue").unwrap();
    let names: Vec<&str> = revenue.dimensions.iter().map(|d| d.name.as_str()).collect();
    assert_eq!(
        names,
        ["time", "order__status", "order__ts", "region__area", "user__country"]
    );
    assert!(revenue.used_by.iter().any(|u| u.to_string() == "metric/growth"));
    assert_eq!(revenue.formula, "sum of amount_cents over orders");
}

on_both_engines!(
    simple_metrics_of_one_model_come_from_one_scan,
    joins_go_through_entities_over_several_hops,
    ratios_and_filters_of_metrics,
    days_are_those_of_the_time_zone_also_when_clocks_change,
    missing_periods_are_shown_when_asked,
    offsets_compare_with_the_period_before,
    cumulative_metrics_trail_reset_or_run_on,
    conversions_count_for_the_latest_visit_before,
    balances_are_taken_at_the_end,
    joins_that_repeat_rows_or_go_two_ways_are_refused_with_their_paths,
    filters_cannot_leave_their_place,
);
