use std::collections::BTreeSet;

use steward_definitions::draft::{
    ColumnProfile, Facts, Guess, Role, TableProfile, contract, experiment, guess, identifier, metrics, readme, scalar,
    settings,
};
use steward_definitions::{MetricShape, Project, Severity, Source, yaml};

fn column(name: &str, logical_type: &str, role: Role, distinct: u64, values: &[&str]) -> ColumnProfile {
    ColumnProfile {
        name: name.into(),
        logical_type: logical_type.into(),
        distinct,
        values: values.iter().map(|v| (*v).to_owned()).collect(),
        guess: Guess {
            role,
            reason: format!("{distinct} distinct values"),
            personal: None,
        },
        ..ColumnProfile::default()
    }
}

/// The shape of the e-mail test that the user guide uses: no column identifies a row.
fn mailing() -> TableProfile {
    TableProfile {
        name: "hillstrom".into(),
        format: "csv".into(),
        path: "data/hillstrom.csv".into(),
        rows: 64_000,
        columns: vec![
            column("recency", "integer", Role::Quantity, 12, &[]),
            column("history", "number", Role::Money, 34_833, &[]),
            column("mens", "integer", Role::Flag, 2, &["0", "1"]),
            column(
                "channel",
                "string",
                Role::Category,
                3,
                &["Multichannel", "Phone", "Web"],
            ),
            column(
                "segment",
                "string",
                Role::Variant,
                3,
                &["Mens E-Mail", "No E-Mail", "Womens E-Mail"],
            ),
            column("visit", "integer", Role::Flag, 2, &["0", "1"]),
            column("spend", "number", Role::Money, 315, &[]),
        ],
        ..TableProfile::default()
    }
}

/// Everything that is awkward about a file of one's own.
fn awkward() -> TableProfile {
    let mut email = column("E-Mail", "string", Role::Text, 900, &[]);
    email.guess.personal = Some("email".into());
    email.nulls = 12;
    let mut noted = column(
        "say \"hi\"\n# owner: eve",
        "string",
        Role::Category,
        2,
        &["a: b", "no\nline"],
    );
    noted.guess.reason = "odd\n  admin: true".into();
    TableProfile {
        name: "Kunden 2024 (größe)".into(),
        format: "csv".into(),
        path: "data/kunden: 'neu'.csv".into(),
        delimiter: Some(';'),
        encoding: Some("windows-1252".into()),
        rows: 1_000,
        columns: vec![
            column("customerID", "string", Role::Key, 1_000, &[]),
            column("shop.id", "integer", Role::Unit, 40, &[]),
            column("year", "integer", Role::Quantity, 10, &[]),
            column("year ", "integer", Role::Quantity, 10, &[]),
            column("Created At", "timestamp", Role::Time, 1_000, &[]),
            column("Größe", "number", Role::Quantity, 50, &[]),
            column("select", "number", Role::Money, 50, &[]),
            column("Group", "string", Role::Variant, 2, &["treatment", "control"]),
            column("active", "boolean", Role::Flag, 2, &[]),
            column("", "string", Role::Empty, 0, &[]).with_name("1"),
            email,
            noted,
        ],
    }
}

trait Named {
    fn with_name(self, name: &str) -> Self;
}

impl Named for ColumnProfile {
    fn with_name(mut self, name: &str) -> Self {
        self.name = name.into();
        self
    }
}

fn source(path: &str, text: String) -> Source {
    Source {
        path: path.into(),
        text,
    }
}

/// The drafted project, with its experiments uncommented if wanted.
fn drafted(tables: &[TableProfile], uncomment: bool) -> Vec<Source> {
    let mut taken = BTreeSet::new();
    let mut all = vec![source("steward.yaml", settings("My shop: test", "mara"))];
    for table in tables {
        let name = table.dataset();
        all.push(source(&format!("datasets/{name}.yaml"), contract(table, "mara")));
        let metrics = metrics(table, "mara", &mut taken);
        if let Some(mut text) = experiment(table, &metrics, "mara") {
            if uncomment {
                text = text
                    .lines()
                    .skip(2)
                    .map(|l| format!("{}\n", l.strip_prefix("# ").unwrap()))
                    .collect();
            }
            all.push(source(&format!("experiments/{name}.yaml"), text));
        }
        all.push(source(&format!("metrics/{name}.yaml"), metrics.text));
    }
    all
}

fn parsed(sources: &[Source]) -> Project {
    let (project, problems) = Project::parse(sources);
    let errors: Vec<String> = problems
        .iter()
        .filter(|p| p.severity == Severity::Error)
        .map(ToString::to_string)
        .collect();
    let texts: Vec<&str> = sources.iter().map(|s| s.text.as_str()).collect();
    assert!(errors.is_empty(), "{}\n{}", errors.join("\n"), texts.join("\n---\n"));
    project
}

#[test]
fn a_drafted_project_passes_every_check() {
    let project = parsed(&drafted(&[mailing(), awkward()], false));
    assert_eq!(
        project.datasets.keys().collect::<Vec<_>>(),
        ["hillstrom", "kunden_2024_gr_e"]
    );
    assert!(
        project.experiments.is_empty(),
        "a draft of an experiment is only comments"
    );
    let kunden = &project.datasets["kunden_2024_gr_e"];
    assert_eq!(kunden.location.path, "data/kunden: 'neu'.csv");
    assert_eq!(
        (kunden.location.delimiter, kunden.location.encoding.as_deref()),
        (Some(';'), Some("windows-1252"))
    );
    let names: Vec<&str> = kunden.columns.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(
        names,
        awkward().columns.iter().map(|c| c.name.as_str()).collect::<Vec<_>>()
    );
    let email = kunden.columns.iter().find(|c| c.name == "E-Mail").unwrap();
    assert_eq!(
        (email.classification.as_deref(), email.required),
        (Some("personal"), false)
    );
    assert_eq!(kunden.columns[0].primary_key, Some(1));
    let model = &project.semantic_models["kunden_2024_gr_e"];
    assert_eq!(model.time_dimension.as_deref(), Some("created_at"));
    assert!(
        model.dimensions.iter().all(|d| !d.name.contains("mail")),
        "personal data is no dimension"
    );
    let visit = &project.metrics["visit"];
    assert!(visit.experiment.binary && visit.experiment.measured.cap.is_none());
    assert!(
        matches!(&project.metrics["visit_rate"].shape, MetricShape::Ratio { numerator, .. } if numerator.name == "visit")
    );
    assert_eq!(project.metrics["spend"].unit.as_deref(), Some("currency"));
}

#[test]
fn an_uncommented_experiment_is_one() {
    let project = parsed(&drafted(&[mailing(), awkward()], true));
    let mailing = &project.experiments["hillstrom_segment"];
    assert_eq!(
        (mailing.exposures.unit.as_str(), mailing.exposures.variant.as_str()),
        ("*", "segment")
    );
    assert_eq!(mailing.variants[0].name, "No E-Mail");
    assert!(mailing.variants[0].control);
    // What stands behind the variant is an outcome, what stands before it was known already.
    assert_eq!(mailing.primary, ["visit"]);
    assert_eq!(mailing.secondary, ["spend", "mens", "history", "recency"]);
    let other = &project.experiments["kunden_2024_gr_e_group"];
    assert_eq!(
        (other.exposures.unit.as_str(), other.exposures.entity.as_str()),
        ("customerID", "customer")
    );
    assert_eq!(other.variants[0].name, "control");
    assert_eq!(other.exposures.time.as_deref(), Some("Created At"));
}

#[test]
fn two_files_with_the_same_columns_draft_different_metrics() {
    let mut second = mailing();
    second.name = "hillstrom 2".into();
    let project = parsed(&drafted(&[mailing(), second], true));
    assert!(project.metrics.contains_key("spend") && project.metrics.contains_key("hillstrom_2_spend"));
    assert_eq!(project.experiments.len(), 2);
}

#[test]
fn every_text_comes_back_from_yaml_as_it_was() {
    let mut texts: Vec<String> = [
        "",
        " ",
        "a",
        "yes",
        "No",
        "null",
        "~",
        "1",
        "1.0",
        "0x1f",
        "1e3",
        "2024-01-01",
        "a: b",
        "a #b",
        "- a",
        "'",
        "\"",
        "''",
        "a\nb",
        "a\tb",
        "\u{0}",
        "\u{85}",
        "\u{feff}x",
        "\u{2028}",
        "é",
        "日本",
        "{a}",
        "[a]",
        "&a",
        "*a",
        "!a",
        "|",
        ">",
        "%a",
        "@a",
        "`a`",
        "a ",
        " a",
        "a  b",
        "\\n",
        "?",
        ": ",
        "---",
        "...",
        "a,b",
        "#",
        "true",
        ".inf",
        "=",
        "<<",
        "a\r\nb",
        "\u{7f}",
    ]
    .iter()
    .map(|t| (*t).to_owned())
    .collect();
    // Every pair of signs that mean something to YAML.
    let signs: Vec<char> = "a1 :#-'\"\\\n\t{}[],&*!|>%@`?=~.\u{a0}\u{1f600}".chars().collect();
    for a in &signs {
        for b in &signs {
            texts.push([*a, *b].iter().collect());
            texts.push(['x', *a, *b, 'y'].iter().collect());
        }
    }
    for text in texts {
        for form in [
            format!("k: {}\n", scalar(&text)),
            format!("k:\n  - {} # c\n", scalar(&text)),
        ] {
            let (documents, problems) = yaml::parse("t.yaml", &form);
            assert!(problems.is_empty(), "{text:?} {form} {problems:?}");
            let node = documents[0].get("k").unwrap_or_else(|| panic!("{text:?} {form}"));
            let node = node.items().first().unwrap_or(node);
            assert_eq!(node.as_str(), Some(text.as_str()), "{form}");
        }
    }
}

#[test]
fn identifiers_are_names_that_definitions_may_have() {
    for (text, name) in [
        ("Customer ID", "customer_id"),
        ("sec.services--venta", "sec_services_venta"),
        ("__x__y__", "x_y"),
        ("1st", "col_1st"),
        ("day", "col_day"),
        ("", "col"),
        ("日本", "col"),
        ("a", "col_a"),
    ] {
        assert_eq!(identifier(text, "col"), name, "{text}");
    }
}

#[test]
fn guesses_follow_names_and_figures() {
    let facts = |name, logical_type, distinct| Facts {
        name,
        logical_type,
        rows: 64_000,
        nulls: 0,
        distinct,
        range: None,
        whole: true,
        samples: &[],
    };
    let role = |f: Facts<'_>| guess(&f).role;
    let key = guess(&facts("customerID", "string", 64_000));
    assert_eq!(
        (key.role, key.reason.as_str()),
        (Role::Key, "64,000 distinct values in 64,000 rows")
    );
    assert_eq!(role(facts("user_id", "integer", 9_000)), Role::Unit);
    assert_eq!(role(facts("segment", "string", 3)), Role::Variant);
    assert_eq!(role(facts("grp", "string", 2)), Role::Variant);
    assert_eq!(role(facts("channel", "string", 3)), Role::Category);
    let named = |samples: [&str; 2]| {
        let samples = samples.map(str::to_owned);
        role(Facts {
            samples: &samples,
            ..facts("kind", "string", 2)
        })
    };
    assert_eq!(named(["new_page", "Control"]), Role::Variant);
    assert_eq!(named(["yes", "no"]), Role::Category);
    assert_eq!(role(facts("spend", "number", 315)), Role::Money);
    assert_eq!(role(facts("recency", "integer", 12)), Role::Quantity);
    assert_eq!(role(facts("created", "timestamp", 60_000)), Role::Time);
    assert_eq!(role(facts("x", "string", 1)), Role::Constant);
    assert_eq!(
        role(Facts {
            range: Some((0.0, 1.0)),
            ..facts("visit", "integer", 2)
        }),
        Role::Flag
    );
    // A measure that happens never to repeat is no key.
    assert_eq!(
        role(Facts {
            whole: false,
            ..facts("weight", "number", 64_000)
        }),
        Role::Quantity
    );
    assert_eq!(
        role(Facts {
            nulls: 64_000,
            ..facts("x", "string", 0)
        }),
        Role::Empty
    );
    let personal = |name, samples: &[&str]| {
        let samples: Vec<String> = samples.iter().map(|s| (*s).to_owned()).collect();
        guess(&Facts {
            samples: &samples,
            ..facts(name, "string", 60_000)
        })
        .personal
    };
    assert_eq!(
        personal("contact", &["a@b.example", "c.d@e.example"]).as_deref(),
        Some("email")
    );
    assert_eq!(
        personal("account", &["DE89370400440532013000", "GB33BUKB20201555555555"]).as_deref(),
        Some("iban")
    );
    assert_eq!(personal("mobile", &["+49 170 1234567"]).as_deref(), Some("phone"));
    assert_eq!(personal("lastName", &["Curie"]).as_deref(), Some("name"));
    assert_eq!(personal("street_address", &["Elm 3"]).as_deref(), Some("address"));
    assert_eq!(personal("client_ip", &["10.0.0.1", "::1"]).as_deref(), Some("ip"));
    assert_eq!(personal("segment", &["No E-Mail", "Mens E-Mail"]), None);
}

#[test]
fn a_new_project_without_files_passes_too() {
    let (project, problems) = Project::parse(&[source("steward.yaml", settings("demo", "me"))]);
    assert!(problems.is_empty(), "{problems:?}");
    assert_eq!(
        (project.settings.name.as_str(), project.settings.owner.as_deref()),
        ("demo", Some("me"))
    );
    assert!(readme("demo").starts_with("# demo\n"));
}
