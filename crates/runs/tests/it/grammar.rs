//! The language of searches: what it reads, and what it says about what it does not.

use proptest::prelude::*;
use steward_runs::grammar::{Clause, GROUPS, Kind, MODELS, Op, RUNS, TRACES, Value, parse_filter, parse_order};

fn clause(kind: Kind, key: &str, op: Op, value: Value) -> Clause {
    let key = key.into();
    Clause { kind, key, op, value }
}

#[test]
fn filters_are_read() {
    let text = |t: &str| Value::Text(t.into());
    for (filter, expected) in [
        (
            "metrics.rmse < 1",
            clause(Kind::Metric, "rmse", Op::Lt, Value::Number(1.0)),
        ),
        (
            "metric.`a b/c` >= -1.5e-3",
            clause(Kind::Metric, "a b/c", Op::Ge, Value::Number(-1.5e-3)),
        ),
        (
            "params.\"x y\" = 'it is'",
            clause(Kind::Param, "x y", Op::Eq, text("it is")),
        ),
        (
            "param.model != \"a'b\"",
            clause(Kind::Param, "model", Op::Ne, text("a'b")),
        ),
        (
            "tags.mlflow.source.name LIKE '%x%'",
            clause(Kind::Tag, "mlflow.source.name", Op::Like, text("%x%")),
        ),
        ("tags.`a.b` ilike 'X'", clause(Kind::Tag, "a.b", Op::ILike, text("X"))),
        (
            "status = 'FINISHED'",
            clause(Kind::Attribute, "status", Op::Eq, text("FINISHED")),
        ),
        (
            "Created > 5",
            clause(Kind::Attribute, "start_time", Op::Gt, Value::Number(5.0)),
        ),
        (
            "attributes.`run name` = 'x'",
            clause(Kind::Attribute, "run_name", Op::Eq, text("x")),
        ),
        (
            "datasets.digest = 'd'",
            clause(Kind::Dataset, "digest", Op::Eq, text("d")),
        ),
        (
            "params.p is not null",
            clause(Kind::Param, "p", Op::IsNotNull, Value::None),
        ),
        ("tags.t IS NULL", clause(Kind::Tag, "t", Op::IsNull, Value::None)),
    ] {
        assert_eq!(parse_filter(&RUNS, filter).unwrap(), [expected], "{filter}");
    }
    let list = parse_filter(&RUNS, "attribute.run_id not in ('a', \"b\" , 'c')").unwrap();
    assert_eq!(list[0].value, Value::List(vec!["a".into(), "b".into(), "c".into()]));
    assert_eq!(
        parse_filter(&RUNS, "metrics.a > 1 and params.b='2' AND tags.c != 'AND'")
            .unwrap()
            .len(),
        3
    );
    assert!(parse_filter(&RUNS, "  ").unwrap().is_empty());
    let trace = parse_filter(
        &TRACES,
        "name = 'x' AND run_id = 'r' AND `timestamp` > 1 AND feedback.good = 1",
    )
    .unwrap();
    assert_eq!((trace[0].kind, trace[0].key.as_str()), (Kind::Tag, "mlflow.traceName"));
    assert_eq!(
        (trace[1].kind, trace[1].key.as_str()),
        (Kind::Metadata, "mlflow.sourceRun")
    );
    assert_eq!(trace[2].key, "timestamp_ms");
    assert_eq!(trace[3].value, text("1"));
    assert_eq!(
        parse_filter(&MODELS, "name = 'a' AND metrics.f1 > 0.5").unwrap().len(),
        2
    );
    assert_eq!(
        parse_filter(&GROUPS, "tags.team = 'x' AND creation_time > 5")
            .unwrap()
            .len(),
        2
    );
}

/// Fragments that clients look for, and where the problem is.
#[test]
fn what_is_not_read_is_said_with_its_place() {
    for (filter, says) in [
        (
            "metrics.rmse < '1'",
            "Expected numeric value type for metric. Found '1' (at character 16)",
        ),
        (
            "params.depth = 3",
            "Expected a quoted string value for parameter (e.g. 'my-value'). Got value 3 (at character 16)",
        ),
        (
            "params.depth = three",
            "Parameter value is either not quoted or unidentified quote types",
        ),
        ("metric.rmse << 1", "Invalid comparator '<<'"),
        ("metrics.rmse LIKE '1'", "Invalid comparator 'LIKE'"),
        ("params.depth > '1'", "Invalid comparator '>'"),
        ("metrix.rmse < 1", "Invalid entity type 'metrix'"),
        ("metrix.rmse < 1", "did you mean 'metric'?"),
        ("attributes.stauts = 'x'", "Invalid attribute key 'stauts' specified"),
        ("attributes.stauts = 'x'", "did you mean 'status'?"),
        ("dataset.size = 'x'", "Invalid dataset key 'size'"),
        (
            "metrics.a > 1 OR metrics.b > 1",
            "Invalid clause(s) in filter string: 'OR metrics.b > 1' (at character 15",
        ),
        ("metrics.a > 1 AND", "a clause is missing after AND"),
        ("metrics.a", "Invalid clause(s) in filter string"),
        ("metrics.a >", "Expected 3 tokens found 2"),
        ("'a' = params.b", "Invalid clause(s) in filter string"),
        ("params.a = 'x; params.b = 'y'", "Invalid clause(s) in filter string"),
        (
            "params.a = 'x'; params.b = 'y'",
            "Search filter contained multiple expression",
        ),
        ("params.a = 'never closed", "the ' at character 12 is never closed"),
        (
            "run_id IN ()",
            "expected a non-empty list of string values, but got empty list",
        ),
        ("run_id IN ('a' 'b')", "ill-formed list"),
        ("run_id IN (1, 2)", "got different type in list"),
        ("run_id = ('a')", "a list is compared by IN or NOT IN"),
        (
            "status IN ('a')",
            "Only ['run_id'] attributes support comparison with a list",
        ),
        ("metrics.a IS NULL", "IS NULL / IS NOT NULL is only supported for"),
    ] {
        let error = parse_filter(&RUNS, filter).unwrap_err().to_string();
        assert!(error.contains(says), "{filter}: {error}");
    }
    for (filter, says) in [
        ("span.content = 'x'", "span.content comparator '=' not one of"),
        ("span.size = 'x'", "Invalid span attribute 'size'"),
        ("name RLIKE '('", "Invalid regular expression '('"),
        ("feedback.good > 'x'", "Expected numeric value type for feedback"),
    ] {
        let error = parse_filter(&TRACES, filter).unwrap_err().to_string();
        assert!(error.contains(says), "{filter}: {error}");
    }
}

#[test]
fn orders_are_read() {
    let read = |text: &str| parse_order(&RUNS, text).map(|o| (o.kind, o.key, o.ascending));
    assert_eq!(read("metrics.rmse").unwrap(), (Kind::Metric, "rmse".into(), true));
    assert_eq!(read("metric.`a b` DESC").unwrap(), (Kind::Metric, "a b".into(), false));
    assert_eq!(
        read("created asc").unwrap(),
        (Kind::Attribute, "start_time".into(), true)
    );
    assert!(
        read("metrics.a sideways")
            .unwrap_err()
            .to_string()
            .contains("Invalid ordering key")
    );
    for wrong in ["", "metrics.a DESC DESC", "metrics.a, metrics.b", "1", "'x'"] {
        let error = read(wrong).unwrap_err().to_string();
        assert!(error.contains("Invalid order_by clause"), "{wrong}: {error}");
    }
}

proptest! {
    /// Whatever is typed is read or refused, never more.
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,60}") {
        for grammar in [&RUNS, &GROUPS, &MODELS, &TRACES] {
            let _ = parse_filter(grammar, &text);
            let _ = parse_order(grammar, &text);
        }
    }

    /// So is what is nearly right.
    #[test]
    fn nearly_filters_are_read_or_refused(
        parts in prop::collection::vec(prop::sample::select(vec![
            "metrics", "params", ".", "`", "'", "\"", "a", " ", "=", "<", "!=", "LIKE", "IN", "NOT", "(", ")", ",", "AND", "1",
            "-1.5", "IS", "NULL", ";", "é", "\u{0}", "RLIKE",
        ]), 0..20),
    ) {
        let text: String = parts.concat();
        for grammar in [&RUNS, &GROUPS, &MODELS, &TRACES] {
            let _ = parse_filter(grammar, &text);
            let _ = parse_order(grammar, &text);
        }
    }

    /// A clause written down is read as it was meant.
    #[test]
    fn what_is_written_is_read(key in "[a-zA-Z0-9 /:.-]{1,20}", value in "[^'`\"]{0,20}", number in any::<f64>()) {
        let params = parse_filter(&RUNS, &format!("params.`{key}` = '{value}'")).unwrap();
        prop_assert_eq!(&params[0].key, &key);
        prop_assert_eq!(&params[0].value, &Value::Text(value));
        if number.is_finite() {
            let metrics = parse_filter(&RUNS, &format!("metrics.`{key}` < {number:e}")).unwrap();
            prop_assert_eq!(&metrics[0].value, &Value::Number(number));
        }
    }
}
