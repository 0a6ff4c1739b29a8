//! Whole projects: what is read, and each problem with its place.

use steward_definitions::{
    Alternative, DecisionRule, Demand, EffectPrior, EffectScale, Inference, InferenceMethod, Kind, Looks, Quorum,
    Reference, ShipCondition, Spending,
};

use crate::support::{CONTRACT, EXPERIMENT, METRICS, SETTINGS, lines, one, parse, with};

#[test]
fn a_ten_line_experiment_is_complete() {
    let (project, problems) = with("experiments/email.yaml", EXPERIMENT);
    assert!(problems.is_empty(), "{}", lines(&problems).join("\n"));
    let experiment = &project.experiments["email_test"];
    assert_eq!(experiment.exposures.entity, "customer");
    let names: Vec<_> = experiment
        .variants
        .iter()
        .map(|v| (v.name.as_str(), v.control, v.weight))
        .collect();
    assert_eq!(
        names,
        [
            ("No E-Mail", true, 1.0),
            ("Mens E-Mail", false, 1.0),
            ("Womens E-Mail", false, 1.0)
        ]
    );
    assert_eq!(
        (
            experiment.alpha,
            experiment.correction.as_str(),
            experiment.window_seconds
        ),
        (0.05, "holm", None)
    );
}

#[test]
fn everything_of_an_experiment_is_read() {
    let text = "\
experiment: full
label: Full
hypothesis: It helps.
exposures: {dataset: visits, unit: customer_id, variant: segment, time: ts, entity: customer, filter: country = 'DE'}
variants:
  - {name: b, weight: 2}
  - {name: a, weight: 1, control: true, label: Before}
start: 2025-03-01
end: 2025-03-29T00:00:00Z
window: 72h
cuped: 14d
alpha: 0.01
correction: benjamini-hochberg
breakdowns: [customer__country]
metrics:
  secondary: visit_rate
  primary: [visits_two]
  guardrails: [{metric: spend, margin: 2%}]
";
    let metrics = format!(
        "{METRICS}  - {{name: spend, label: S, type: simple, type_params: {{measure: visits}}}}\n  - {{name: visits_two, label: V, type: simple, type_params: {{measure: visits}}}}\n"
    );
    let (project, problems) = parse(&[
        ("steward.yaml", SETTINGS),
        ("datasets/v.yaml", CONTRACT),
        ("metrics/v.yaml", &metrics),
        ("experiments/f.yaml", text),
    ]);
    assert!(problems.is_empty(), "{}", lines(&problems).join("\n"));
    let e = &project.experiments["full"];
    assert_eq!((e.window_seconds, e.cuped_days, e.alpha), (Some(259_200), 14, 0.01));
    // The control stands first, wherever it is written.
    assert_eq!((e.variants[0].name.as_str(), e.variants[1].weight), ("a", 2.0));
    assert_eq!(
        (e.guardrails[0].metric.as_str(), e.guardrails[0].margin),
        ("spend", 0.02)
    );
    assert_eq!(e.meta.owner, "mara");
    let used: Vec<String> = project
        .references(&Reference::new(Kind::Experiment, "full"))
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        used,
        [
            "dataset/visits",
            "metric/spend",
            "metric/visit_rate",
            "metric/visits_two"
        ]
    );
}

#[test]
fn references_print_and_parse() {
    let reference: Reference = "semantic_model/visits".parse().unwrap();
    assert_eq!(
        (reference.kind, reference.to_string()),
        (Kind::SemanticModel, "semantic_model/visits".to_owned())
    );
    assert!(
        "metrics/x"
            .parse::<Reference>()
            .unwrap_err()
            .to_string()
            .contains("`metrics` is not a kind")
    );
    assert!("metric".parse::<Reference>().is_err() && "metric/".parse::<Reference>().is_err());
    for kind in Kind::ALL {
        assert_eq!(kind.to_string().parse::<Kind>().unwrap(), kind);
    }
}

#[test]
fn dependents_reach_through_all_kinds() {
    let report = "---\nreport: weekly\n---\n```sql\nwith x as (select 1) select * from visits, x\n```\n```experiment\nemail_test\n```\n";
    let objective = "objective: grow\nperiod: 2025-Q4\nkey_results: [{metric: visit_rate, target: 0.2}]\n";
    let (project, problems) = parse(&[
        ("steward.yaml", SETTINGS),
        ("datasets/v.yaml", CONTRACT),
        ("metrics/v.yaml", METRICS),
        ("experiments/e.yaml", EXPERIMENT),
        ("objectives/o.yaml", objective),
        ("reports/weekly.md", report),
    ]);
    assert!(problems.is_empty(), "{}", lines(&problems).join("\n"));
    let all: Vec<String> = project
        .dependents(&Reference::new(Kind::Dataset, "visits"))
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        all,
        [
            "semantic_model/visits",
            "metric/visit_rate",
            "experiment/email_test",
            "objective/grow",
            "report/weekly"
        ]
    );
    assert_eq!(
        project.suggest(Kind::Metric, "visit_rat").as_deref(),
        Some("visit_rate")
    );
    assert_eq!(
        project.meta(&Reference::new(Kind::Objective, "grow")).unwrap().owner,
        "mara"
    );
    assert_eq!(
        (
            project.objectives["grow"].start.as_str(),
            project.objectives["grow"].end.as_str()
        ),
        ("2025-10-01", "2025-12-31")
    );
}

#[test]
fn a_digest_sees_meaning_only() {
    let digest = |text: &str| {
        with("experiments/email.yaml", text).0.experiments["email_test"]
            .meta
            .digest
            .clone()
    };
    let same = "# a comment\nmetrics: {primary: ['visit_rate']}\nvariants:\n- No E-Mail\n- Mens E-Mail\n- \"Womens E-Mail\"\nowner: mara\nexperiment: email_test\nexposures:\n  unit: customer_id\n  dataset: visits\n  variant: segment\n";
    assert_eq!(digest(EXPERIMENT), digest(same));
    assert_ne!(
        digest(EXPERIMENT),
        digest(&EXPERIMENT.replace("Mens E-Mail, Womens", "Men, Womens"))
    );
    assert_eq!(digest(EXPERIMENT).len(), 64);
}

#[test]
fn experiments_report_each_problem_at_its_place() {
    let path = "experiments/email.yaml";
    let change = |from: &str, to: &str| {
        assert!(EXPERIMENT.contains(from));
        EXPERIMENT.replace(from, to)
    };
    one(
        path,
        &format!("{EXPERIMENT}windw: 72h\n"),
        "experiments/email.yaml:7:1: error[unknown-key]: unknown key `windw` in the experiment `email_test`; did you mean `window`?",
    );
    one(
        path,
        &change("unit: customer_id", "unit: custmer_id"),
        "experiments/email.yaml:3:36: error[unknown-column]: `exposures` of the experiment `email_test` names the column `custmer_id`, which the dataset `visits` does not have; did you mean `customer_id`?",
    );
    one(
        path,
        &change("dataset: visits", "dataset: visit"),
        "experiments/email.yaml:3:22: error[unknown-dataset]: `exposures` of the experiment `email_test` names the dataset `visit`, which is not defined; did you mean `visits`?",
    );
    one(
        path,
        &change("[visit_rate]", "[visitrate]"),
        "experiments/email.yaml:6:13: error[unknown-metric]",
    );
    one(
        path,
        &change("[visit_rate]", "[visit_rate, visit_rate]"),
        "experiments/email.yaml:6:25: error[listed-twice]",
    );
    one(
        path,
        &change("[visit_rate]", "[]"),
        "experiments/email.yaml:6:3: error[missing-key]",
    );
    one(
        path,
        &change(
            "variants: [No E-Mail, Mens E-Mail, Womens E-Mail]",
            "variants: [No E-Mail]",
        ),
        "experiments/email.yaml:4:11: error[too-few-variants]: the experiment `email_test` has 1 variant; expected at least two",
    );
    one(
        path,
        &change("Mens E-Mail, Womens E-Mail", "Mens E-Mail, Mens E-Mail"),
        "experiments/email.yaml:4:36: error[duplicate-name]",
    );
    one(
        path,
        &change("Mens E-Mail, Womens E-Mail", "{name: m, weight: 0}"),
        "experiments/email.yaml:4:41: error[bad-value]: the weight",
    );
    one(
        path,
        &change(
            "[No E-Mail, Mens E-Mail, Womens E-Mail]",
            "[{name: a, control: true}, {name: b, control: true}]",
        ),
        "experiments/email.yaml:4:38: error[control]",
    );
    one(
        path,
        &format!("{EXPERIMENT}start: 2025-02-30\n"),
        "experiments/email.yaml:7:8: error[bad-value]",
    );
    one(
        path,
        &format!("{EXPERIMENT}start: 2025-02-03\nend: 2025-02-03\n"),
        "experiments/email.yaml:8:6: error[period]",
    );
    one(
        path,
        &format!("{EXPERIMENT}alpha: 1\n"),
        "experiments/email.yaml:7:8: error[bad-value]: `alpha` is 1",
    );
    one(
        path,
        &format!("{EXPERIMENT}window: 72h\n"),
        "experiments/email.yaml:7:9: error[needs-time]",
    );
    one(
        path,
        &format!("{EXPERIMENT}correction: bonferrony\n"),
        "experiments/email.yaml:7:13: error[bad-value]",
    );
    one(
        path,
        &format!("{EXPERIMENT}breakdowns: [customer__contry]\n"),
        "experiments/email.yaml:7:14: error[unknown-dimension]: the experiment `email_test` is broken down by `customer__contry`, which is no dimension; did you mean `customer__country`?",
    );
    one(
        path,
        &format!("{EXPERIMENT}initiative: none\n"),
        "experiments/email.yaml:7:13: error[unknown-initiative]",
    );
    one(
        path,
        &change("experiment: email_test", "experiment: e-mail test"),
        "experiments/email.yaml:1:13: error[bad-name]",
    );
    one(
        path,
        &format!("{EXPERIMENT}---\n{EXPERIMENT}"),
        "experiments/email.yaml:8:13: error[duplicate-name]: the experiment `email_test` is defined twice; it is first defined at experiments/email.yaml:1:13",
    );
}

#[test]
fn all_problems_come_at_once() {
    let text = "experiment: x\nexposures: {dataset: visits, unit: id}\nvariants: b\nmetrics: {primary: [a], secndary: [b]}\nalpha: high\n";
    let (_, problems) = with("experiments/email.yaml", text);
    let codes: Vec<&str> = problems.iter().map(|p| p.code.as_str()).collect();
    assert_eq!(
        codes,
        [
            "missing-key",
            "unknown-column",
            "too-few-variants",
            "wrong-type",
            "unknown-metric",
            "unknown-key",
            "wrong-type"
        ],
        "{}",
        lines(&problems).join("\n")
    );
}

#[test]
fn folders_and_settings() {
    one(
        "experimnts/a.yaml",
        "experiment: a\n",
        "experimnts/a.yaml: warning[unknown-folder]: nothing is read from the folder `experimnts`; expected definitions in `datasets/`",
    );
    one(
        "objectives/email.yaml",
        &EXPERIMENT.replace("email_test", "other"),
        "objectives/email.yaml:1:1: error[wrong-folder]: this belongs in `experiments/`",
    );
    one("reports/a.yaml", "report: a\n", "reports/a.yaml: error[wrong-folder]");
    one(
        "steward.yml",
        SETTINGS,
        "steward.yml: warning[stray-file]: `steward.yml` is not read; expected",
    );
    one(
        "steward.yaml",
        "project: a\nowner: mara\ncurency: EUR\n",
        "steward.yaml:3:1: error[unknown-key]: unknown key `curency` in `steward.yaml`; did you mean `currency`?",
    );
    one(
        "steward.yaml",
        "project: a\nowner: mara\ntime_zone: Berlin\n",
        "steward.yaml:3:12: error[bad-value]: `Berlin` is not the name of a time zone",
    );
    one(
        "steward.yaml",
        "project: a\nowner: mara\nengine: {kind: postgres, url: 'postgres://u:p@h/d'}\n",
        "steward.yaml:3:31: error[secret-in-text]",
    );
    one(
        "steward.yaml",
        "project: a\nowner: mara\npeople: [mara, {name: mara}]\n",
        "steward.yaml:3:16: error[duplicate-name]",
    );
    one(
        "steward.yaml",
        "project: a\nowner: maria\npeople: [mara]\n",
        "steward.yaml: error[unknown-owner]: the project names `maria`",
    );
    let (_, problems) = parse(&[]);
    assert_eq!(
        lines(&problems),
        [
            "steward.yaml: error[missing-settings]: the project has no `steward.yaml`; start with the lines `project: NAME` and `owner: HANDLE`, or run `steward init`"
        ]
    );
    let (_, problems) = with("steward.yaml", "project: a\n");
    assert!(
        problems.iter().all(|p| p.code == "missing-owner") && problems.len() >= 3,
        "{}",
        lines(&problems).join("\n")
    );
    let (project, problems) = with("notes/ideas.md", "# free text");
    assert!(problems.is_empty() && project.settings.time_zone == "UTC" && project.settings.engine.kind == "datafusion");
}

#[test]
fn objectives_initiatives_and_bets() {
    let path = "objectives/o.yaml";
    one(
        path,
        "objective: a\nperiod: 2025-Q5\n",
        "objectives/o.yaml:2:9: error[bad-value]: `period` is `2025-Q5`; expected `2025`",
    );
    one(
        path,
        "objective: a\nperiod: {start: 2025-01-01, end: 2024-01-01}\n",
        "objectives/o.yaml:2:34: error[period]",
    );
    one(
        path,
        "objective: a\nperiod: 2025\nparent: b\n",
        "objectives/o.yaml:3:9: error[unknown-objective]",
    );
    one(
        path,
        "objective: a\nperiod: 2025\nparent: b\n---\nobjective: b\nperiod: 2025\nparent: a\n",
        "objectives/o.yaml:1:12: error[cycle]: the objective `a` serves itself: `a` → `b` → `a`",
    );
    one(
        path,
        "objective: a\nperiod: 2025\nkey_results: [{metric: visit_rate}]\n",
        "objectives/o.yaml:3:15: error[missing-key]: the key result `visit_rate` has no `target`",
    );
    one(
        path,
        "objective: a\nperiod: 2025\nkey_results: [{metric: visit_rate, target: 1, status: green}]\n",
        "objectives/o.yaml:3:47: error[unknown-key]",
    );
    one(
        "initiatives/i.yaml",
        "initiative: a\neffort_weeks: [3, 2, 9]\n",
        "initiatives/i.yaml:2:15: error[bad-value]",
    );
    one(
        "initiatives/i.yaml",
        "initiative: a\ndepends_on: a\n",
        "initiatives/i.yaml:1:13: error[cycle]: the initiative `a` waits for itself: `a` → `a`",
    );
    one(
        "initiatives/i.yaml",
        "initiative: a\nstart: 2025-05-05\ndue: 2025-04-01\n",
        "initiatives/i.yaml:3:6: error[period]",
    );
    let bet =
        "bet: b\ninitiative: i\nmetric: visit_rate\nprobability: 35%\neffect: [0.01, 0.02, 0.05]\ncost: [200.5, 300]\n";
    one("bets/b.yaml", bet, "bets/b.yaml:2:13: error[unknown-initiative]");
    one(
        "bets/b.yaml",
        &bet.replace("initiative: i\n", ""),
        "bets/b.yaml:1:1: error[missing-key]: the bet `b` has no `initiative`",
    );
    let (project, problems) = parse(&[
        ("steward.yaml", SETTINGS),
        ("datasets/v.yaml", CONTRACT),
        ("metrics/v.yaml", METRICS),
        ("initiatives/i.yaml", "initiative: i\n"),
        ("bets/b.yaml", bet),
    ]);
    assert!(problems.is_empty(), "{}", lines(&problems).join("\n"));
    assert_eq!(
        (project.bets["b"].probability, project.bets["b"].cost_minor),
        (0.35, Some([20_050, 30_000]))
    );
}

#[test]
fn business_cases_and_what_the_portfolio_is_judged_by() {
    let bet = "bet: b\ninitiative: i\nmetric: visit_rate\nprobability: 35%\neffect: [0.01, 0.02, 0.05]\n";
    let path = "bets/b.yaml";
    let refused = |text: &str, says: &str| {
        let (_, problems) = parse(&[
            ("steward.yaml", &format!("{SETTINGS}people: [mara, theo]\n")),
            ("datasets/v.yaml", CONTRACT),
            ("metrics/v.yaml", METRICS),
            ("initiatives/i.yaml", "initiative: i\n"),
            (path, text),
        ]);
        let all = lines(&problems);
        assert!(all.iter().any(|l| l.contains(says)), "{text}: {all:?}");
    };
    let wrong = |more: &str, says: &str| refused(&format!("{bet}{more}"), says);
    let value = |keys: &str| format!("value: {{{keys}}}\n");
    wrong(&value("margin: 1"), "the value of the bet `b` has no `per_unit`");
    wrong(
        &value("per_unit: 3, margin: 0"),
        "`margin` is the number `0`; expected the share that is kept",
    );
    wrong(&value("per_unit: -3"), "the per_unit is not an amount of money");
    wrong(&value("per_unit: [1, 3]"), "is one amount, not a range");
    wrong(
        &value("per_unit: 3, signed_by: thoe"),
        "who is no person of `steward.yaml`; expected the handle",
    );
    wrong(&value("per_unit: 3, half_life: 90d, one_off: 7d"), "keep one of them");
    wrong(&value("per_unit: 3, one_off: 2h"), "shorter than a day");
    wrong(&value("per_unit: 3, status: won"), "unknown key `status`");
    wrong("resolve: SELECT FROM\n", "error[sql-syntax]");
    wrong("resolve: SELECT true FROM nowhere\n", "error[unknown-dataset]");
    for p in ["0", "1", "100%", "1.2", "-0.1", "often"] {
        let text = bet.replace("35%", p);
        refused(&text, "bets/b.yaml:4:14: error[bad-value]: `probability` is");
    }
    refused(
        &bet.replace("0.01, 0.02", "0.03, 0.02"),
        "bets/b.yaml:5:9: error[bad-value]: `effect` of the bet `b` is not a range",
    );

    let initiative = |text: &str, says: &str| {
        let (_, problems) = with("initiatives/i.yaml", &format!("initiative: a\n{text}\n"));
        let all = lines(&problems);
        assert!(all.iter().any(|l| l.contains(says)), "{text}: {all:?}");
    };
    initiative(
        "skills: {ml: -2}",
        "initiatives/i.yaml:2:14: error[bad-value]: `ml` of `skills` of the initiative `a` is -2",
    );
    initiative("items: [9, 3, 20]", "initiatives/i.yaml:2:8: error[bad-value]");
    initiative(
        "rice: {reach: 10, impact: 2, confidence: 120%}",
        "`confidence` is the text `120%`",
    );
    initiative("work: spike\nkill_by: 2025-05-01", "is a spike without `informs`");
    initiative("work: debt", "is a debt without `interest`");
    initiative("kill_by: 2025-05-01", "has no effect unless it is `work: spike`");
    initiative(
        "work: debt\ninterest: {incidents: 2}",
        "`incidents` has no `incident_cost`",
    );

    let settings = |text: &str, says: &str| {
        let whole = format!("{SETTINGS}portfolio:\n{text}\n");
        let (_, problems) = parse(&[
            ("steward.yaml", &whole),
            ("datasets/v.yaml", CONTRACT),
            ("metrics/v.yaml", METRICS),
        ]);
        let all = lines(&problems);
        assert!(all.iter().any(|l| l.contains(says)), "{text}: {all:?}");
    };
    settings(
        "  capacity: {ml: -4}",
        "`ml` of `capacity` of `portfolio` is -4, below 0",
    );
    settings("  budget: lots", "the budget is not an amount of money");
    settings("  horizon_weeks: 0", "give 1 to 520");
    settings("  scenarios: {lean: {exclude: nothing}}", "error[unknown-initiative]");
    settings(
        "  throughput: {dataset: visits, initiative: x, done: y}",
        "error[unknown-column]",
    );
    settings(
        "  forecasts: {dataset: forecasts, forecaster: a, probability: b, outcome: c}",
        "error[unknown-dataset]",
    );

    let (project, problems) = parse(&[
        (
            "steward.yaml",
            &format!(
                "{SETTINGS}portfolio: {{budget: 100.5, capacity: {{ml: 4}}, scenarios: {{lean: {{budget: 50}}}}}}\n"
            ),
        ),
        ("datasets/v.yaml", CONTRACT),
        ("metrics/v.yaml", METRICS),
        (
            "initiatives/i.yaml",
            "initiative: i\nskills: {ml: 3, web: [1, 2, 4]}\ndelay_cost: 400\nwork: debt\ninterest: {toil_hours: 10, hour_cost: 70}\n",
        ),
        (
            path,
            &format!(
                "{bet}resolve: select true\nvalue: {{per_unit: 9.6, margin: 32%, half_life: 180d, signed_by: mara, version: 2}}\n"
            ),
        ),
    ]);
    assert!(problems.is_empty(), "{}", lines(&problems).join("\n"));
    let value = project.bets["b"].value.as_ref().unwrap();
    assert_eq!(
        (value.per_unit_minor, value.margin, value.half_life_days, value.version),
        (960, 0.32, Some(180.0), 2)
    );
    let i = &project.initiatives["i"];
    assert_eq!(
        (i.skills["ml"], i.skills["web"], i.delay_cost_minor),
        ([3.0; 3], [1.0, 2.0, 4.0], Some(40_000))
    );
    assert_eq!(i.interest.unwrap().monthly_minor(), 70_000.0);
    let portfolio = &project.settings.portfolio;
    assert_eq!(
        (
            portfolio.budget_minor,
            portfolio.capacity["ml"],
            portfolio.scenarios["lean"].budget_minor
        ),
        (Some(10_050), 4.0, Some(5_000))
    );
}

#[test]
fn reports_hold_prose_and_figures() {
    let text = "---\nreport: weekly\nmax_age: 36h\n---\n\n# Hello\n\n```metric\nmetric: visit_rate\nperiod: week\n```\n\nMore.\n\n```python\nprint()\n```\n\n```chart\nmetrics: [visit_rate]\nby: country\n```\n```sql\n-- title: Visits\nselect count(*) from visits\n```\n```decisions\n```\n";
    let (project, problems) = with("reports/weekly.md", text);
    assert!(problems.is_empty(), "{}", lines(&problems).join("\n"));
    let report = &project.reports["weekly"];
    assert_eq!(report.max_age_hours, Some(36.0));
    let shown: Vec<String> = report
        .blocks
        .iter()
        .map(|b| {
            format!(
                "{} {}",
                b.span.line,
                serde_json::to_value(&b.content).unwrap()["block"].as_str().unwrap()
            )
        })
        .collect();
    assert_eq!(
        shown,
        ["6 prose", "8 metric", "13 prose", "19 chart", "23 sql", "27 decisions"]
    );

    let path = "reports/weekly.md";
    one(
        path,
        "# No front matter\n",
        "reports/weekly.md:1:1: error[front-matter]",
    );
    one(
        path,
        "---\nreport: w\n---\n```metric\nmetric: visitrate\n```\n",
        "reports/weekly.md:5:9: error[unknown-metric]: the block `metric` names the metric `visitrate`, which is not defined; did you mean `visit_rate`?",
    );
    one(
        path,
        "---\nreport: w\n---\n```experiment\nemail\n```\n",
        "reports/weekly.md:5:1: error[unknown-experiment]",
    );
    one(
        path,
        "---\nreport: w\n---\n```metrics\nmetric: visit_rate\n```\n",
        "reports/weekly.md:4:1: warning[unknown-block]: `metrics` is shown as code; did you mean `metric`?",
    );
    one(
        path,
        "---\nreport: w\n---\n```metric\nmetric: visit_rate\n",
        "reports/weekly.md:4:1: error[open-block]",
    );
    one(
        path,
        "---\nreport: w\n---\n```sql\nselect * frm visits\n```\n",
        "reports/weekly.md:4:1: error[sql-syntax]",
    );
    one(
        path,
        "---\nreport: w\n---\n```sql\nselect * from visit\n```\n",
        "reports/weekly.md:4:1: error[unknown-dataset]",
    );
    one(
        path,
        "---\nreport: w\n---\n```metric\nmetric: [visit_rate\n```\n",
        "reports/weekly.md:6:1: error[yaml-syntax]",
    );
    one(
        path,
        "---\nreport: w\nmax_age: soon\n---\n",
        "reports/weekly.md:3:10: error[bad-value]",
    );
}

#[test]
fn rarer_problems() {
    one(
        "steward.yaml",
        &format!("{SETTINGS}---\na: 1\n"),
        "steward.yaml:5:1: error[extra-document]",
    );
    one(
        "steward.yaml",
        "project: a\nowner: mara\ncurrency: euro\n",
        "steward.yaml:3:11: error[bad-value]: `euro` is not a currency code",
    );
    one(
        "datasets/more.yaml",
        "apiVersion: v3.2.0\nkind: DataContract\nid: b\nversion: '1'\nschema: [{name: b, properties: [{name: x, logicalType: string}]}]\n",
        "datasets/more.yaml:1:1: warning[no-location]: the contract names no server",
    );
    one(
        "datasets/visits.yaml",
        &CONTRACT.replace("{name: segment, logicalType: string}", "{name: segment}"),
        "datasets/visits.yaml:12:9: warning[no-type]: the column `segment` has no type",
    );
    one(
        "reports/w.md",
        "---\nreport: w\n---\n```chart\n```\n",
        "reports/w.md:4:1: error[empty-block]",
    );
    let twice = METRICS.replace(
        "expr: customer_id}]",
        "expr: customer_id}, {name: person, type: unique, expr: customer_id}]",
    );
    one(
        "metrics/visits.yaml",
        &twice,
        "experiments/email.yaml:3:12: error[ambiguous-entity]: the unit `customer_id` may be one of `customer`, `person`",
    );
    one(
        "experiments/email.yaml",
        "- a\n- b\n",
        "experiments/email.yaml:1:1: error[wrong-type]: an experiment is a list; expected a map",
    );
}

/// The ten-line experiment with more lines; its time is known.
fn experiment(more: &str) -> (steward_definitions::Experiment, Vec<String>) {
    let text = EXPERIMENT.replace("variant: segment}", "variant: segment, time: ts}");
    let (project, problems) = with("experiments/email.yaml", &format!("{text}{more}"));
    let experiment = project.experiments.get("email_test").cloned().unwrap_or_default();
    (experiment, lines(&problems))
}

#[test]
fn every_method_of_inference_is_read() {
    let period = "start: 2025-03-01\nend: 2025-03-29\n";
    let read = |block: &str| {
        let (e, problems) = experiment(&format!("{period}{block}\n"));
        assert!(problems.is_empty(), "{block}: {problems:?}");
        e
    };
    assert_eq!(read("").inference, Inference::default());
    assert_eq!(read("inference: fixed").inference.method, InferenceMethod::Fixed);
    assert_eq!(
        read("inference: group_sequential").inference.method,
        InferenceMethod::GroupSequential {
            spending: Spending::ObrienFleming,
            looks: Looks::Number(4),
        }
    );
    let block = "inference: {method: group_sequential, alternative: greater, spending: kim_demets, rho: 2, looks: [25%, 0.5, 1], planned_units: 20000}";
    let found = read(block).inference;
    assert_eq!(
        (found.alternative, found.planned_units),
        (Alternative::Greater, Some(20_000))
    );
    assert_eq!(
        found.method,
        InferenceMethod::GroupSequential {
            spending: Spending::KimDemets { rho: 2.0 },
            looks: Looks::Fractions(vec![0.25, 0.5, 1.0]),
        }
    );
    let found =
        read("inference: {method: group_sequential, spending: pocock, looks: [2025-03-08, 2025-03-15]}").inference;
    assert_eq!(
        found.method,
        InferenceMethod::GroupSequential {
            spending: Spending::Pocock,
            looks: Looks::Moments(vec!["2025-03-08".into(), "2025-03-15".into()]),
        }
    );
    assert_eq!(
        read("inference: {method: always_valid, tuned_for: 8000}")
            .inference
            .method,
        InferenceMethod::AlwaysValid { tuned_for: Some(8000) }
    );
    assert_eq!(
        read("inference: {method: msprt, tau: 2%}").inference.method,
        InferenceMethod::Msprt {
            tau: 0.02,
            scale: EffectScale::Relative,
        }
    );
    let bayesian = read("inference: {method: bayesian, prior: {scale: absolute, mean: -0.1, sd: 0.5}}");
    assert_eq!(
        bayesian.inference.method,
        InferenceMethod::Bayesian {
            prior: EffectPrior {
                scale: EffectScale::Absolute,
                mean: -0.1,
                sd: 0.5,
            },
        }
    );
    assert_eq!(bayesian.correction, "none");
    assert_eq!(read("correction: gatekeeping").correction, "gatekeeping");
    assert_eq!(read("correction: dunnett").correction, "dunnett");
}

#[test]
fn what_is_wrong_with_inference_is_said_where_it_stands() {
    let period = "start: 2025-03-01\nend: 2025-03-29\n";
    for (block, says) in [
        ("inference: sequential", "cannot be `sequential`"),
        ("inference: msprt", "needs a `tau`"),
        ("inference: {method: msprt, tau: 0}", "`tau` is 0; it lies above 0"),
        (
            "inference: {method: msprt, tau: 1%, alternative: less}",
            "knows no one-sided alternative",
        ),
        (
            "inference: {method: fixed, looks: 4}",
            "`looks` is for `group_sequential`",
        ),
        ("inference: {method: group_sequential, looks: 1}", "`looks` is 1"),
        (
            "inference: {method: group_sequential, looks: [50%, 40%]}",
            "do not rise",
        ),
        (
            "inference: {method: group_sequential, looks: [50%, 2025-03-08]}",
            "mixes shares and dates",
        ),
        (
            "inference: {method: group_sequential, looks: [soon]}",
            "`soon` is neither a share nor a date",
        ),
        (
            "inference: {method: group_sequential, looks: [2025-04-08]}",
            "lies outside the experiment",
        ),
        (
            "inference: {method: group_sequential, spending: kim_demets}",
            "no `rho`",
        ),
        ("inference: {method: always_valid, tuned_for: 0}", "it counts units"),
        (
            "inference: {method: bayesian, prior: {sd: -1}}",
            "`sd` is -1; it lies above 0",
        ),
        (
            "inference: bayesian\ncorrection: holm",
            "cannot correct the method `bayesian`",
        ),
        (
            "inference: always_valid\ncorrection: dunnett",
            "cannot correct the method `always_valid`",
        ),
        (
            "decide: {ship_if: [{metric: visit_rat, better_by: 1%}]}",
            "does not measure `visit_rat`",
        ),
        ("decide: {ship_if: [{metric: visit_rate}]}", "asks for 0 things"),
        (
            "decide: {ship_if: [{metric: visit_rate, chance_to_win: 95%}]}",
            "needs the method `bayesian`",
        ),
        ("decide: {minimum_effect: 0}", "`minimum_effect` is 0"),
        ("decide: {primary: most}", "cannot be `most`"),
    ] {
        let (_, problems) = experiment(&format!("{period}{block}\n"));
        assert!(problems.iter().any(|p| p.contains(says)), "{block}: {problems:?}");
        assert!(
            problems.iter().all(|p| p.contains("experiments/email.yaml:")),
            "{problems:?}"
        );
    }
    let (_, problems) = experiment("inference: group_sequential\n");
    assert!(
        problems.iter().any(|p| p.contains("needs `start` and `end`")),
        "{problems:?}"
    );
}

#[test]
fn a_decision_rule_is_read() {
    let (e, problems) = experiment(
        "inference: bayesian\ndecide: {primary: all, guardrails: safe, minimum_effect: 2%, longest: 8 weeks, ship_if: [{metric: visit_rate, better_by: 1%}, {metric: visit_rate, risk_below: 0.1%}]}\n",
    );
    assert!(problems.is_empty(), "{problems:?}");
    let condition = |demand| ShipCondition {
        metric: "visit_rate".into(),
        demand,
    };
    assert_eq!(
        e.decide,
        DecisionRule {
            primary: Quorum::All,
            guardrails_safe: true,
            ship_if: vec![condition(Demand::BetterBy(0.01)), condition(Demand::RiskBelow(0.001))],
            minimum_effect: Some(0.02),
            longest_seconds: Some(8 * 7 * 86_400),
        }
    );
}
