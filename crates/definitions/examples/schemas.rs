//! Prints every schema as one JSON object by file name.

fn main() {
    let all: serde_json::Map<String, serde_json::Value> = steward_definitions::schema::all()
        .into_iter()
        .map(|(name, schema)| (name.to_owned(), schema))
        .collect();
    println!("{}", serde_json::Value::Object(all));
}
