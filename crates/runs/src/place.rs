//! Addresses of files.

/// An address with steps below it, before the query or fragment that a URL ends in.
pub fn below(address: &str, steps: &[&str]) -> String {
    let scheme = address.split_once(':').map_or("", |(scheme, _)| scheme);
    let url = !scheme.is_empty() && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    let end = match url {
        true => address.find(['?', '#']).unwrap_or(address.len()),
        false => address.len(),
    };
    let (path, rest) = address.split_at(end);
    let mut made = path.strip_suffix('/').unwrap_or(path).to_owned();
    for (at, step) in steps.iter().enumerate() {
        if at > 0 || !path.is_empty() {
            made.push('/');
        }
        made.push_str(step.trim_matches('/'));
    }
    made + rest
}
