use steward_definitions::decode::Decoder;
use steward_definitions::semantic::{self, jinja};
use steward_definitions::{
    Aggregation, Block, BlockContent, Cap, Column, Dataset, Diagnostic, Direction, EntityType, Experiment, KeyResult,
    MetricShape, Objective, Project, Report, Settings, yaml,
};

/// Reads files of `metrics/` over datasets given as `name: columns`.
pub fn project(datasets: &[(&str, &str)], files: &[&str]) -> (Project, Vec<Diagnostic>) {
    let mut project = Project {
        settings: Settings {
            owner: Some("mara".into()),
            ..Settings::default()
        },
        ..Project::default()
    };
    for (name, columns) in datasets {
        let mut dataset = Dataset::default();
        dataset.meta.name = (*name).to_owned();
        dataset.columns = columns
            .split_whitespace()
            .map(|c| Column {
                name: c.to_owned(),
                ..Column::default()
            })
            .collect();
        project.datasets.insert((*name).to_owned(), dataset);
    }
    let mut problems = Vec::new();
    for (index, text) in files.iter().enumerate() {
        let file = format!("metrics/{index}.yaml");
        let (documents, syntax) = yaml::parse(&file, text);
        problems.extend(syntax);
        for document in &documents {
            let decoder = Decoder::new(&file);
            let (models, metrics) = semantic::read(&decoder, document, &project.settings);
            problems.extend(decoder.into_diagnostics());
            project
                .semantic_models
                .extend(models.into_iter().map(|m| (m.meta.name.clone(), m)));
            project
                .metrics
                .extend(metrics.into_iter().map(|m| (m.meta.name.clone(), m)));
        }
    }
    semantic::resolve(&mut project, &mut problems);
    semantic::check(&project, &mut problems);
    (project, problems)
}

fn messages(problems: &[Diagnostic]) -> Vec<String> {
    problems
        .iter()
        .map(|p| {
            let hint = p.hint.as_ref().map(|h| format!(" ({h})")).unwrap_or_default();
            format!("{}:{} {}{hint}", p.span.line, p.span.column, p.message)
        })
        .collect()
}

pub const DATASETS: [(&str, &str); 3] = [
    ("orders", "order_id user_id amount status ordered_at"),
    ("users", "user_id country signed_up_at"),
    ("visits", "visit_id user_id visited_at"),
];

pub const LEGACY: &str = r#"
semantic_models:
  - name: orders
    description: One row per order.
    model: ref('orders')
    defaults:
      agg_time_dimension: ordered_at
    config: {meta: {owner: finance}}
    entities:
      - {name: order, type: primary, expr: order_id}
      - {name: user, type: foreign, expr: user_id}
    dimensions:
      - {name: status, type: categorical}
      - {name: ordered_at, type: time, type_params: {time_granularity: second}}
    measures:
      - {name: order_count, agg: count, expr: order_id, create_metric: true}
      - {name: revenue, agg: sum, expr: amount}
      - {name: p90, agg: percentile, expr: amount, agg_params: {percentile: 0.9, use_discrete_percentile: false}}
  - name: users
    model: "{{ ref('shop', 'users') }}"
    entities: [{name: user, type: primary, expr: user_id}]
    dimensions: [{name: country, type: categorical, expr: "upper(country)", label: Country}]
  - name: visits
    model: ref('visits')
    defaults: {agg_time_dimension: visited_at}
    entities:
      - {name: visit, type: primary, expr: visit_id}
      - {name: user, type: foreign, expr: user_id}
    dimensions: [{name: visited_at, type: TIME, type_params: {time_granularity: DAY}}]
    measures: [{name: visits, agg: count, expr: "1"}]
metrics:
  - name: revenue
    label: Revenue
    type: simple
    type_params: {measure: {name: revenue, fill_nulls_with: 0, join_to_timespine: true}}
    filter: |
      {{ Dimension('order__status') }} != 'cancelled'
    config:
      meta: {unit: currency, steward: {direction: increase, cap: {percentile: 0.99}, cuped_days: 14}}
  - name: revenue_de
    type: simple
    label: Revenue, Germany
    type_params: {measure: revenue}
    filter:
      - "{{ Dimension('user__country') }} = 'DE'"
      - "{{ TimeDimension('order__ordered_at', 'day') }} >= '2026-01-01' or {{ Entity('user') }} = 7"
  - name: order_value
    type: ratio
    label: Order value
    type_params: {numerator: revenue, denominator: {name: order_count, filter: "{{ Dimension('status', entity_path=['order']) }} = 'done'"}}
  - name: revenue_growth
    type: derived
    label: Growth
    type_params:
      expr: (now_ - before) / before
      metrics: [{name: revenue, alias: now_}, {name: revenue, alias: before, offset_window: 1 month}]
  - name: revenue_28d
    type: cumulative
    label: Trailing
    type_params: {measure: revenue, cumulative_type_params: {window: 28 days}}
  - name: conversion
    type: conversion
    label: Visit to order
    type_params:
      conversion_type_params:
        entity: user
        base_measure: visits
        conversion_measure: order_count
        window: 7 days
        constant_properties: [{base_property: user, conversion_property: user}]
"#;

pub const LATEST: &str = r#"
models:
  - name: orders
    description: One row per order.
    config: {meta: {owner: finance}, materialized: table}
    semantic_model: true
    agg_time_dimension: ordered_at
    columns:
      - name: order_id
        data_tests: [unique, not_null]
        entity: {type: primary, name: order}
      - name: user_id
        entity: {type: foreign, name: user}
      - name: status
        dimension: categorical
      - name: ordered_at
        granularity: second
        dimension: {type: time, label: Ordered}
      - name: amount
    metrics:
      - {name: order_count, type: simple, agg: count, expr: order_id}
      - name: revenue
        label: Revenue
        type: simple
        agg: sum
        expr: amount
        fill_nulls_with: 0
        join_to_timespine: true
        filter: "{{ Dimension('order__status') }} != 'cancelled'"
        config: {meta: {unit: currency, steward: {cap: {percentile: 0.99}, cuped_days: 14}}}
      - {name: p90, agg: percentile, percentile: 0.9, percentile_type: continuous, expr: amount}
      - name: revenue_28d
        type: cumulative
        input_metric: revenue
        window: 28 days
  - name: users
    semantic_model: {enabled: true, name: people}
    columns:
      - {name: user_id, entity: {type: primary, name: user}}
    derived_semantics:
      dimensions: [{name: country, type: categorical, expr: upper(country), label: Country}]
  - name: visits
    semantic_model: true
    agg_time_dimension: visited_at
    columns:
      - {name: visit_id, entity: {type: primary, name: visit}}
      - {name: user_id, entity: {type: foreign, name: user}}
      - {name: visited_at, granularity: day, dimension: time}
    metrics: [{name: visits, agg: count, expr: 1}]
  - name: not_semantic
    columns: [{name: whatever}]
metrics:
  - {name: order_value, type: ratio, numerator: revenue, denominator: order_count}
  - name: revenue_growth
    type: derived
    expr: (now_ - before) / before
    input_metrics: [{name: revenue, alias: now_}, {name: revenue, alias: before, offset_window: 1 month}]
  - name: conversion
    type: conversion
    entity: user
    calculation: conversion_rate
    base_metric: visits
    conversion_metric: {name: order_count, filter: "{{ Dimension('order__status') }} = 'done'"}
    window: 7 days
"#;

#[test]
fn the_legacy_dialect_reads_as_it_is() {
    let (project, problems) = project(&DATASETS, &[LEGACY]);
    assert_eq!(messages(&problems), Vec::<String>::new());
    let orders = &project.semantic_models["orders"];
    assert_eq!(
        (orders.dataset.as_str(), orders.meta.owner.as_str()),
        ("orders", "finance")
    );
    assert_eq!(orders.time_dimension.as_deref(), Some("ordered_at"));
    assert_eq!(orders.entities[0].entity_type, EntityType::Primary);
    assert_eq!(
        (orders.entities[1].name.as_str(), orders.entities[1].expr.as_str()),
        ("user", "user_id")
    );
    assert_eq!(orders.dimensions[1].time_granularity.as_deref(), Some("second"));
    assert_eq!(orders.measures[2].aggregation, Aggregation::Percentile);
    assert_eq!(orders.measures[2].percentile, Some(0.9));
    assert_eq!(project.semantic_models["users"].dataset, "users");
    assert_eq!(
        project.semantic_models["visits"].dimensions[0]
            .time_granularity
            .as_deref(),
        Some("day")
    );

    let revenue = &project.metrics["revenue"];
    assert_eq!(revenue.meta.owner, "mara");
    assert_eq!(revenue.filter.as_deref(), Some("order__status <> 'cancelled'"));
    assert_eq!(revenue.unit.as_deref(), Some("currency"));
    assert_eq!(revenue.experiment.measured.cap, Some(Cap::at_percentile(0.99)));
    assert_eq!(revenue.experiment.measured.cuped_days, Some(14));
    assert_eq!(revenue.experiment.direction, Direction::Increase);
    let MetricShape::Simple { measure } = &revenue.shape else {
        panic!("{revenue:?}")
    };
    assert_eq!((measure.fill_nulls_with, measure.join_to_timespine), (Some(0.0), true));
    assert_eq!(
        project.metrics["revenue_de"].filter.as_deref(),
        Some("(user__country = 'DE') AND (order__ordered_at__day >= '2026-01-01' OR user = 7)")
    );
    // `create_metric` makes one of the measure.
    assert!(
        matches!(&project.metrics["order_count"].shape, MetricShape::Simple { measure } if measure.name == "order_count")
    );
    let MetricShape::Ratio { denominator, .. } = &project.metrics["order_value"].shape else {
        panic!()
    };
    assert_eq!(denominator.filter.as_deref(), Some("order__status = 'done'"));
    let MetricShape::Conversion {
        window, calculation, ..
    } = &project.metrics["conversion"].shape
    else {
        panic!()
    };
    assert_eq!(
        (window.as_ref().map(|w| w.count), calculation.as_str()),
        (Some(7), "conversion_rate")
    );
}

#[test]
fn the_latest_dialect_means_the_same() {
    let (project, problems) = project(&DATASETS, &[LATEST]);
    assert_eq!(messages(&problems), Vec::<String>::new());
    assert_eq!(
        project.semantic_models.keys().collect::<Vec<_>>(),
        ["orders", "people", "visits"]
    );
    let orders = &project.semantic_models["orders"];
    assert_eq!(
        (orders.entities[0].name.as_str(), orders.entities[0].expr.as_str()),
        ("order", "order_id")
    );
    assert_eq!(orders.dimensions[1].label.as_deref(), Some("Ordered"));
    assert_eq!(orders.dimensions[1].time_granularity.as_deref(), Some("second"));
    assert_eq!(orders.meta.owner, "finance");
    let revenue = orders.measures.iter().find(|m| m.name == "revenue").unwrap();
    assert_eq!(
        (revenue.aggregation, revenue.expr.as_str()),
        (Aggregation::Sum, "amount")
    );
    assert_eq!(project.semantic_models["people"].dataset, "users");
    assert_eq!(project.semantic_models["people"].dimensions[0].expr, "upper(country)");
    // Where a metric stands for its measure, the metric's own condition comes along.
    let MetricShape::Cumulative { measure, .. } = &project.metrics["revenue_28d"].shape else {
        panic!()
    };
    assert_eq!(
        (measure.name.as_str(), measure.filter.as_deref()),
        ("revenue", Some("order__status <> 'cancelled'"))
    );
    let MetricShape::Conversion { base, conversion, .. } = &project.metrics["conversion"].shape else {
        panic!()
    };
    assert_eq!((base.name.as_str(), base.filter.as_deref()), ("visits", None));
    assert_eq!(conversion.filter.as_deref(), Some("order__status = 'done'"));
}

#[test]
fn a_digest_ignores_formatting_and_sees_meaning() {
    let one = "metrics: [{name: a, type: ratio, numerator: b, denominator: c}]";
    let same = "metrics:\n  # why\n  - denominator: c\n    name: a\n    type: 'ratio'\n    numerator: b\n";
    let other = "metrics: [{name: a, type: ratio, numerator: c, denominator: b}]";
    let digest = |text: &str| project(&[], &[text]).0.metrics["a"].meta.digest.clone();
    assert_eq!(digest(one), digest(same));
    assert_ne!(digest(one), digest(other));
}

#[test]
fn problems_are_told_together_with_place_and_remedy() {
    let text = r#"
semantic_models:
  - name: orders
    model: ref('orders')
    defaults: {agg_time_dimension: orderd_at}
    entities: [{name: order, type: primry, expr: order_id}]
    dimensions:
      - {name: status, type: categorical, expr: sttus}
      - {name: ordered_at, type: time}
    measures:
      - {name: revenue, agg: sum, expr: amout}
      - {name: broken, agg: sum, expr: "amount +"}
      - {name: sums, agg: sum, expr: sum(amount)}
      - {name: revenue, agg: max, expr: amount, agg_prams: 1}
metrics:
  - {name: a, type: ratio, type_params: {numerator: b, denominator: revenue}}
  - {name: b, type: derived, type_params: {expr: a + x, metrics: [a]}}
  - {name: c, type: simple, type_params: {measure: revenu}}
  - {name: d, type: simple, type_params: {measure: revenue}, filter: "{{ Dimension('order__sttus') }} = 1"}
  - {name: e, type: cumulative, type_params: {measure: revenue, window: 3 days, grain_to_date: month}}
  - {name: f, type: conversion, type_params: {conversion_type_params: {base_measure: revenue, conversion_measure: revenue, window: 7 fortnights}}}
  - {name: g, type: simple, type_params: {measure: revenue}, filter: "{{ Metric('a', ['user']) }} > 1"}
  - {name: h, type: smple, type_params: {measure: revenue}}
  - {name: i, agg: sum, expr: amount}
  - {name: j, type: simple, type_params: {measure: revenue}, config: {meta: {steward: {directon: increase, cap: {percentile: 99}}}}}
"#;
    let (_, problems) = project(&DATASETS, &[text]);
    let found = messages(&problems);
    let expect = |part: &str| assert!(found.iter().any(|m| m.contains(part)), "{part}\n{}", found.join("\n"));
    expect(
        "`agg_time_dimension` names `orderd_at`, which is no time dimension of semantic model `orders` (did you mean `ordered_at`?)",
    );
    expect("6:36 `type` of entity `order` cannot be `primry` (did you mean `primary`?)");
    expect("8:9 dimension `status` reads `sttus`, which dataset `orders` does not have (did you mean `status`?)");
    expect("9:9 dimension `ordered_at` has no `type_params`");
    expect("11:9 measure `revenue` reads `amout`, which dataset `orders` does not have (did you mean `amount`?)");
    expect("12:40 `expr` of measure `broken`, `amount +`, expected an expression");
    expect("13:9 measure `sums` aggregates in its expression (`sum`) (an expression speaks of one row");
    expect("14:9 measure `revenue` is defined twice (first defined in semantic model `orders` at metrics/0.yaml:11");
    expect("unknown key `agg_prams` in measure `revenue` (did you mean `agg_params`?)");
    expect(
        "metric `a` uses the unknown metric `revenue` (`revenue` is a measure; make it a metric with `create_metric: true`)",
    );
    expect("16:12 metric `a` is made of itself: a → b → a");
    expect("the expression of metric `b` uses `x`, which is none of its inputs");
    expect("metric `c` uses the unknown measure `revenu` (did you mean `revenue`?)");
    expect("a filter of metric `d` names the unknown dimension `order__sttus` (did you mean `order__status`?)");
    expect("has both `window` and `grain_to_date`; keep one");
    expect("has no `entity`");
    expect("`window` of `conversion_type_params` of metric `f` is `7 fortnights`");
    expect("a metric as a condition; filter by dimensions");
    expect("`type` of metric `h` cannot be `smple` (did you mean `simple`?)");
    expect(
        "the simple metric `i` stands outside a model and has no `type_params` (move it to the `metrics:` of its model",
    );
    expect("unknown key `directon` in `steward` of `meta` of `config` of metric `j` (did you mean `direction`?)");
    expect("the percentile 99 of `cap` lies outside (0, 1)");
    assert!(
        problems
            .iter()
            .all(|p| p.span.file == "metrics/0.yaml" && p.span.line > 0),
        "{problems:?}"
    );
}

#[test]
fn metrics_of_another_type_cannot_stand_for_a_measure() {
    let text = r#"
models:
  - name: orders
    semantic_model: true
    columns: [{name: order_id, entity: {type: primary, name: order}}]
    metrics:
      - {name: n, agg: count, expr: order_id}
      - {name: r, type: ratio, numerator: n, denominator: n}
      - {name: c, type: cumulative, input_metric: r}
      - {name: d, type: cumulative, input_metric: nn}
"#;
    let (_, problems) = project(&DATASETS, &[text]);
    assert_eq!(
        messages(&problems),
        [
            "9:16 metric `c` accumulates or converts `r`, which is no simple metric",
            "10:16 metric `d` uses the unknown metric `nn` (did you mean `n`?)"
        ]
    );
}

#[test]
fn jinja_becomes_names_or_is_refused() {
    for (text, name) in [
        ("{{ Dimension('user__country') }} = 'x'", "user__country = 'x'"),
        ("{{Dimension(\"user__ts\").grain('Month')}} > 1", "user__ts__month > 1"),
        ("{{ TimeDimension('order__ts', 'day') }}", "order__ts__day"),
        ("{{ TimeDimension('metric_time', grain='week') }}", "metric_time__week"),
        (
            "{{ Dimension('country', entity_path=['order', 'user']) }}",
            "order__user__country",
        ),
        ("{{ Entity('user') }} is null", "user is null"),
        ("plain = 1", "plain = 1"),
    ] {
        assert_eq!(jinja::resolve(text).as_deref(), Ok(name), "{text}");
    }
    for bad in [
        "{{ Metric('a', group_by=['b']) }} > 1",
        "{{ var('x') }}",
        "{{ Dimension(country) }}",
        "{{ Dimension() }}",
        "{{ Dimension('a",
        "a }}",
        "{% if x %}",
        "{{ Dimension('a; drop') }}",
        "{{ TimeDimension('a', 'fortnight') }}",
        "{{ Dimension('a').date_part('year') }}",
        "{{ }}",
    ] {
        assert!(jinja::resolve(bad).is_err(), "{bad}: {:?}", jinja::resolve(bad));
    }
}

#[test]
fn settings_of_dbt_that_change_numbers_are_not_swallowed() {
    let text = r#"
semantic_models:
  - name: orders
    model: ref('orders')
    primary_entity: ghost
    dimensions:
      - {name: ordered_at, type: time, type_params: {time_granularity: day, validity_params: {is_start: true}}}
    measures: [{name: m, agg: sum, expr: amount}]
metrics:
  - {name: c, type: cumulative, type_params: {measure: m, cumulative_type_params: {period_agg: average}}}
"#;
    let (_, problems) = project(&DATASETS, &[text]);
    let found = messages(&problems).join("\n");
    for part in [
        "`primary_entity` of semantic model `orders` is `ghost`",
        "`validity_params`",
        "`period_agg`",
    ] {
        assert!(found.contains(part), "{part}\n{found}");
    }
}

#[test]
fn conditions_of_other_kinds_are_checked_too() {
    let (mut shop, problems) = project(&DATASETS, &[LEGACY]);
    assert!(problems.is_empty());
    let mut experiment = Experiment::default();
    experiment.exposures.dataset = "visits".into();
    experiment.exposures.filter = Some("visit_idd > 1".into());
    shop.experiments.insert("checkout".into(), experiment);
    let mut objective = Objective::default();
    for filter in [
        "user__country = 'DE'",
        "user__contry = 'DE'",
        "status = ",
        "{{ Dimension('status') }} = 1",
        "sum(status) > 1",
    ] {
        objective.key_results.push(KeyResult {
            name: "k".into(),
            metric: "revenue".into(),
            filter: Some(filter.into()),
            ..KeyResult::default()
        });
    }
    shop.objectives.insert("growth".into(), objective);
    let mut report = Report::default();
    report.blocks.push(Block {
        span: Default::default(),
        content: BlockContent::Chart {
            metrics: vec!["revenue".into()],
            by: vec!["time:week".into(), "user__country".into(), "user__kountry".into()],
            filter: None,
            title: None,
            mark: "line".into(),
            from: None,
            to: None,
        },
    });
    shop.reports.insert("weekly".into(), report);
    let mut problems = Vec::new();
    semantic::check(&shop, &mut problems);
    let found: Vec<String> = messages(&problems);
    let wanted = [
        "the filter of the exposures of experiment `checkout` names `visit_idd`, which dataset `visits` does not have (did you mean `visit_id`?)",
        "a filter of key result `k` of objective `growth` names `user__contry`, which is no dimension (did you mean `user__country`?)",
        "a filter of key result `k` of objective `growth`, `status =`, expected an expression",
        "holds Jinja, which belongs to dbt's files (write the plain name, such as `user__country`)",
        "aggregates (`sum`); a filter speaks of one row",
        "a chart of report `weekly` is by `user__kountry`, which is no dimension (did you mean `user__country`?)",
    ];
    assert_eq!(found.len(), wanted.len(), "{found:#?}");
    for (found, wanted) in found.iter().zip(wanted) {
        assert!(found.contains(wanted), "{wanted}\n{found}");
    }
}
