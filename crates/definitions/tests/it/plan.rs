use steward_definitions::plan::{Action, Breakage, Plan};
use steward_definitions::{
    Block, BlockContent, Experiment, KeyResult, Kind, Objective, Project, Reference, Report, Span,
};

use crate::semantic::{DATASETS, LEGACY, project};

/// The shop of the semantic tests with an experiment, an objective and two reports over it.
fn shop() -> Project {
    let (mut shop, problems) = project(&DATASETS, &[LEGACY]);
    assert!(problems.is_empty(), "{problems:?}");
    for (name, owner) in [("orders", "ingo"), ("users", "uma"), ("visits", "ingo")] {
        let dataset = shop.datasets.get_mut(name).unwrap();
        dataset.meta.owner = owner.into();
        dataset.location.path = format!("data/{name}.parquet");
        for column in &mut dataset.columns {
            column.logical_type = match column.name.as_str() {
                "amount" => "integer",
                c if c.ends_with("_at") => "timestamp",
                _ => "string",
            }
            .into();
            column.required = true;
            column.description = Some(format!("The {}.", column.name));
        }
    }
    let mut checkout = Experiment::default();
    (checkout.meta.name, checkout.meta.owner) = ("checkout".into(), "xenia".into());
    checkout.exposures.dataset = "visits".into();
    checkout.exposures.unit = "user_id".into();
    checkout.exposures.entity = "user".into();
    checkout.exposures.time = Some("visited_at".into());
    checkout.primary = vec!["order_count".into()];
    checkout.breakdowns = vec!["user__country".into()];
    shop.experiments.insert("checkout".into(), checkout);
    let mut growth = Objective::default();
    (growth.meta.name, growth.meta.owner) = ("growth".into(), "olga".into());
    growth.key_results = vec![
        KeyResult {
            name: "revenue".into(),
            metric: "order_value".into(),
            ..KeyResult::default()
        },
        KeyResult {
            name: "orders".into(),
            metric: "order_count".into(),
            ..KeyResult::default()
        },
    ];
    shop.objectives.insert("growth".into(), growth);
    for (name, content) in [
        (
            "weekly",
            BlockContent::Chart {
                metrics: vec!["revenue_28d".into()],
                by: vec![],
                filter: None,
                title: None,
                mark: "line".into(),
                from: None,
                to: None,
            },
        ),
        (
            "lists",
            BlockContent::Sql {
                query: "SELECT status, count(*) FROM orders GROUP BY status".into(),
                title: None,
            },
        ),
    ] {
        let mut report = Report::default();
        (report.meta.name, report.meta.owner) = (name.into(), "rita".into());
        report.blocks.push(Block {
            span: Span::default(),
            content,
        });
        shop.reports.insert(name.into(), report);
    }
    shop
}

fn affected(breakage: &Breakage) -> Vec<String> {
    breakage
        .affected
        .iter()
        .map(|a| {
            let kind = serde_json::to_value(a.reference.kind).unwrap();
            let part = a.part.as_ref().map(|p| format!(" {p}")).unwrap_or_default();
            format!("{}/{}{part}", kind.as_str().unwrap(), a.reference.name)
        })
        .collect()
}

fn dataset_change(old: &Project, new: &Project) -> Vec<Breakage> {
    let plan = Plan::between(old, new);
    let [change] = plan.changes.as_slice() else {
        panic!("{}", plan.render())
    };
    assert_eq!((change.reference.kind, change.action), (Kind::Dataset, Action::Changed));
    change.breaking.clone()
}

#[test]
fn everything_is_new_at_first_and_nothing_changes_the_second_time() {
    let shop = shop();
    let first = Plan::between(&Project::default(), &shop);
    assert!(
        first
            .changes
            .iter()
            .all(|c| c.action == Action::Added && c.breaking.is_empty())
    );
    assert_eq!(first.counts().0, first.changes.len());
    let stored = serde_json::to_string(&shop).unwrap();
    let read: Project = serde_json::from_str(&stored).unwrap();
    assert_eq!(read, shop, "an applied project is stored as JSON and comes back whole");
    let again = Plan::between(&read, &shop);
    assert!(again.is_empty() && again.approvals.is_empty(), "{}", again.render());
    assert_eq!(again.render(), "Nothing would change.\n");
}

#[test]
fn places_and_digests_are_no_change() {
    let old = shop();
    let mut new = old.clone();
    let metric = new.metrics.get_mut("revenue").unwrap();
    metric.meta.span.line += 40;
    metric.meta.digest = "another".into();
    new.semantic_models.get_mut("orders").unwrap().measures[0].span.line += 3;
    assert!(Plan::between(&old, &new).is_empty());
}

#[test]
fn a_removed_column_breaks_what_uses_it_and_nothing_else() {
    let old = shop();
    let mut new = old.clone();
    let columns = &mut new.datasets.get_mut("orders").unwrap().columns;
    columns.iter_mut().find(|c| c.name == "amount").unwrap().name = "amount_cents".into();
    let breaking = dataset_change(&old, &new);
    let [only] = breaking.as_slice() else {
        panic!("{breaking:?}")
    };
    assert_eq!(only.what, "column `amount` is removed");
    assert_eq!(only.column.as_deref(), Some("amount"));
    assert_eq!(only.hint.as_deref(), Some("renamed to `amount_cents`?"));
    assert_eq!(
        affected(only),
        [
            "semantic_model/orders",
            "metric/order_value",
            "metric/revenue",
            "metric/revenue_28d",
            "metric/revenue_de",
            "metric/revenue_growth",
            // order_count rests on another column: neither the experiment nor the second key result is touched.
            "objective/growth key result `revenue`",
            "report/weekly",
        ]
    );
    assert_eq!(
        only.affected[6].path,
        [
            "dataset/orders",
            "semantic_model/orders",
            "metric/revenue",
            "metric/order_value",
            "objective/growth"
        ]
    );
    let plan = Plan::between(&old, &new);
    let olga = plan.approvals.iter().find(|a| a.owner == "olga").unwrap();
    assert_eq!(olga.because, ["objective/growth"]);
    assert!(plan.approvals.iter().all(|a| a.owner != "xenia"));
    let text = plan.render();
    for line in [
        "~ dataset/orders\n",
        "    columns.amount: ",
        "  ! column `amount` is removed (renamed to `amount_cents`?)\n",
        "breaks objective/growth, key result `revenue` (owner olga)",
        "0 to add, 1 to change, 0 to remove.\n",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

#[test]
fn filters_keys_times_and_sql_are_followed_to_the_column() {
    let old = shop();
    let drop = |dataset: &str, column: &str| {
        let mut new = old.clone();
        new.datasets
            .get_mut(dataset)
            .unwrap()
            .columns
            .retain(|c| c.name != column);
        let breaking = dataset_change(&old, &new);
        affected(&breaking[0])
    };
    let status = drop("orders", "status");
    assert!(
        status.contains(&"metric/revenue".to_owned()),
        "a filter names it: {status:?}"
    );
    assert!(
        status.contains(&"report/lists".to_owned()),
        "a query names it: {status:?}"
    );
    assert!(!status.contains(&"experiment/checkout".to_owned()), "{status:?}");
    let country = drop("users", "country");
    assert_eq!(
        country,
        ["semantic_model/users", "metric/revenue_de", "experiment/checkout"]
    );
    let unit = drop("visits", "user_id");
    assert!(
        unit.contains(&"experiment/checkout".to_owned()) && unit.contains(&"metric/conversion".to_owned()),
        "{unit:?}"
    );
    let key = drop("orders", "user_id");
    assert!(
        key.contains(&"experiment/checkout".to_owned()),
        "facts are joined through it: {key:?}"
    );
    let time = drop("orders", "ordered_at");
    assert!(time.contains(&"metric/order_count".to_owned()), "{time:?}");
}

#[test]
fn kinds_of_breaking_changes_are_told_apart() {
    let old = shop();
    let change = |of: fn(&mut steward_definitions::Dataset)| {
        let mut new = old.clone();
        of(new.datasets.get_mut("orders").unwrap());
        dataset_change(&old, &new)
            .into_iter()
            .map(|b| b.what)
            .collect::<Vec<_>>()
    };
    let amount = 2;
    assert_eq!(old.datasets["orders"].columns[amount].name, "amount");
    assert_eq!(
        change(|d| d.columns[2].logical_type = "number".into()),
        Vec::<String>::new(),
        "every integer is a number"
    );
    assert_eq!(
        change(|d| d.columns[2].logical_type = "string".into()),
        ["column `amount` turns from integer to string"]
    );
    assert_eq!(
        change(|d| d.columns[4].logical_type = "date".into()),
        ["column `ordered_at` is narrowed from timestamp to date"]
    );
    assert_eq!(
        change(|d| d.columns[2].required = false),
        ["column `amount` may now be null"]
    );
    assert_eq!(
        change(|d| d.columns[2].description = Some("Euros.".into())),
        ["the meaning of column `amount` changes (description)"]
    );
    assert_eq!(
        change(|d| d.location.path = "elsewhere.parquet".into()),
        ["its rows are read from `elsewhere.parquet` instead of `data/orders.parquet`"]
    );
    assert_eq!(
        change(|d| d.columns[0].primary_key = Some(1)),
        ["column `order_id` joins the primary key"]
    );
    assert_eq!(
        change(|d| d.columns.push(Default::default())),
        Vec::<String>::new(),
        "a new column breaks nobody"
    );
    // The other way round: widening back is narrowing.
    let mut wide = old.clone();
    wide.datasets.get_mut("orders").unwrap().columns[amount].logical_type = "number".into();
    assert_eq!(
        dataset_change(&wide, &old)[0].what,
        "column `amount` is narrowed from number to integer"
    );
}

#[test]
fn a_metric_that_means_something_else_tells_who_uses_it() {
    let old = shop();
    let mut new = old.clone();
    new.metrics.get_mut("order_count").unwrap().filter = Some("order__status = 'done'".into());
    new.metrics.get_mut("revenue").unwrap().meta.description = Some("Only words.".into());
    let plan = Plan::between(&old, &new);
    let (count, revenue) = (&plan.changes[0], &plan.changes[1]);
    assert_eq!(
        (count.reference.name.as_str(), revenue.reference.name.as_str()),
        ("order_count", "revenue")
    );
    assert_eq!(count.fields[0].path, "filter");
    assert_eq!(
        (
            count.fields[0].before.as_ref(),
            count.fields[0].after.as_ref().and_then(|v| v.as_str())
        ),
        (None, Some("order__status = 'done'"))
    );
    assert_eq!(count.breaking[0].what, "its meaning changes: its filter");
    assert_eq!(
        affected(&count.breaking[0]),
        [
            "metric/order_value",
            "experiment/checkout",
            "objective/growth key result `orders`",
            "objective/growth key result `revenue`"
        ]
    );
    assert_eq!(revenue.fields[0].path, "description");
    assert!(revenue.breaking.is_empty());
    // Removing it breaks the same; what is removed along with it does not count.
    let mut new = old.clone();
    new.metrics.remove("order_count");
    new.metrics.remove("order_value");
    let plan = Plan::between(&old, &new);
    let gone = plan.changes.iter().find(|c| c.reference.name == "order_count").unwrap();
    assert_eq!(gone.action, Action::Removed);
    assert!(!affected(&gone.breaking[0]).contains(&"metric/order_value".to_owned()));
    assert!(affected(&gone.breaking[0]).contains(&"experiment/checkout".to_owned()));
}

#[test]
fn a_removed_dataset_breaks_everything_on_it_and_plans_survive_json() {
    let old = shop();
    let mut new = old.clone();
    new.datasets.remove("visits");
    new.settings.time_zone = "Europe/Berlin".into();
    let plan = Plan::between(&old, &new);
    assert_eq!(plan.changes.len(), 1);
    assert_eq!(
        plan.changes[0].reference,
        Reference {
            kind: Kind::Dataset,
            name: "visits".into()
        }
    );
    assert_eq!(
        affected(&plan.changes[0].breaking[0]),
        ["semantic_model/visits", "metric/conversion", "experiment/checkout"]
    );
    assert_eq!(plan.settings[0].path, "time_zone");
    let read: Plan = serde_json::from_str(&serde_json::to_string(&plan).unwrap()).unwrap();
    assert_eq!(read, plan);
    assert_eq!(Plan::between(&old, &new).render(), plan.render());
}
