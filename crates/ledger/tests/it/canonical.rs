//! Canonical JSON: one value, one text, and back again.

use proptest::prelude::*;
use serde_json::{Map, Number, Value, json};
use steward_ledger::canonical::{digest, parse, text};

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<u64>().prop_map(|bits| Number::from_f64(f64::from_bits(bits)).map_or(Value::Null, Value::Number)),
        (-1e6..1e6).prop_map(|number: f64| Value::from((number * 1e4).round() / 1e4)),
        any::<String>().prop_map(Value::from),
        "[\\u{0}-\\u{7f}]{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((any::<String>(), inner), 0..6)
                .prop_map(|entries| Value::Object(entries.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn reading_a_text_gives_the_value_to_the_last_bit(value in value()) {
        let text = text(&value);
        let again = parse(&text).unwrap();
        prop_assert_eq!(&again, &value);
        prop_assert_eq!(steward_ledger::canonical::text(&again), text);
    }

    #[test]
    fn what_serde_json_writes_is_read_alike(value in value()) {
        prop_assert_eq!(&parse(&serde_json::to_string_pretty(&value).unwrap()).unwrap(), &value);
    }

    #[test]
    fn nonsense_is_refused_without_panic(text in "[\\[\\]{}\",:0-9eE.+\\-ntfalsuÀ ]{0,24}") {
        if let Ok(value) = parse(&text) {
            prop_assert_eq!(parse(&steward_ledger::canonical::text(&value)).unwrap(), value);
        }
    }
}

#[test]
fn the_text_is_as_documented() {
    let value = json!({ "b": [1, -1, 1.0, 0.1, 1e15, 1e16, 1e-5, 1e-6, 1e-40, -0.0, u64::MAX], "a": "\"\\/\u{8}\t\n\u{c}\r\u{1}\u{7f}é", "": null });
    let expected = "{\"\":null,\"a\":\"\\\"\\\\/\\b\\t\\n\\f\\r\\u0001\u{7f}é\",\"b\":[1,-1,1.0,0.1,1000000000000000.0,1e+16,0.00001,1e-6,1e-40,-0.0,18446744073709551615]}";
    assert_eq!(text(&value), expected);
    // SHA-256 of nothing, FIPS 180-4.
    assert_eq!(
        digest(b""),
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
}

#[test]
fn numbers_are_laid_out_one_way() {
    for (number, expected) in [
        (0.0, "0.0"),
        (-1.5, "-1.5"),
        (123.456, "123.456"),
        (120.0, "120.0"),
        (9007199254740993.0, "9007199254740992.0"),
        (9999999999999998.0, "9999999999999998.0"),
        (-1.25e16, "-1.25e+16"),
        (0.000012, "0.000012"),
        (0.00012345, "0.00012345"),
        (0.0000099, "9.9e-6"),
        (f64::MAX, "1.7976931348623157e+308"),
        (5e-324, "5e-324"),
        (0.1 + 0.2, "0.30000000000000004"),
    ] {
        assert_eq!(text(&json!(number)), expected);
    }
}

#[test]
fn bottomless_nesting_is_refused() {
    assert!(parse(&"[".repeat(100_000)).is_err());
    assert!(parse(&format!("{}{}", "[".repeat(1000), "]".repeat(1000))).is_err());
    for bad in [
        "",
        " ",
        "nul",
        "truee",
        "1 2",
        "{\"a\"}",
        "{\"a\":1,}",
        "[1,]",
        "\"\\x\"",
        "\"",
        "1e999",
        "--1",
        "18446744073709551616",
    ] {
        assert!(parse(bad).is_err(), "{bad}");
    }
}
